/**
 * The tables in a folder of CSV files, one `TABLE.csv` each with a header, as `replay` and `generate` write them.
 */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse'
import { messageOf, TidemarkError } from '../../errors.ts'
import type { TextRow } from '../../pipeline/table-text.ts'
import type { FoundTable } from '../compare.ts'
import { whyUnreadable } from './why.ts'

const EXTENSION = '.csv'

/**
 * Opens the tables of a folder one after the other, in the order of their names.
 *
 * @throws TidemarkError INPUT_MISSING where the folder or a file cannot be read, INPUT_CORRUPT where a file is no CSV
 */
export async function* csvTables(folder: string): AsyncGenerator<FoundTable> {
  for (const file of await csvFiles(folder)) {
    const path = join(folder, file)
    const rows = csvRows(path)
    try {
      const header = await rows.next()
      if (header.done === true) throw corrupt(path, 'it has no header')
      yield { name: file.slice(0, -EXTENSION.length), columns: header.value, rows }
    } finally {
      await rows.return(undefined)
    }
  }
}

/** Fails with INPUT_MISSING unless the folder can be read. */
export async function requireFolder(folder: string): Promise<void> {
  await csvFiles(folder)
}

async function csvFiles(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((file) => file.endsWith(EXTENSION)).toSorted()
  } catch (error) {
    throw missing(folder, error)
  }
}

async function* csvRows(path: string): AsyncGenerator<TextRow> {
  const file = createReadStream(path)
  // Our files end lines with LF; other programs save them with CRLF and a byte-order mark. No row of a table can end in
  // CR.
  const parser = parse({ record_delimiter: ['\r\n', '\n'], bom: true })
  file.on('error', (error) => parser.destroy(missing(path, error)))
  try {
    for await (const row of file.pipe(parser)) yield row as string[]
  } catch (error) {
    throw error instanceof TidemarkError ? error : corrupt(path, messageOf(error))
  } finally {
    file.destroy()
  }
}

function missing(path: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'INPUT_MISSING',
    `The tables in ${JSON.stringify(path)} cannot be read: ${whyUnreadable(cause)}.`,
    {
      where: path,
      fix: 'Name a folder with one CSV file for each table, such as tidemark replay --out DIR writes.',
      cause,
    },
  )
}

function corrupt(path: string, why: string): TidemarkError {
  return new TidemarkError(
    'INPUT_CORRUPT',
    `The table ${JSON.stringify(path)} is not CSV as RFC 4180 has it: ${why}.`,
    {
      where: path,
      fix: 'Write it again with tidemark replay --out DIR.',
    },
  )
}
