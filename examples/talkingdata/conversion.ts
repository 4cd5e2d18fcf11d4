/**
 * The way of the log's rows through the converter.
 *
 * V1  A file appears whole or not at all.
 * V2  Lines keep the order of the rows; nothing waits for the end of the log.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Writable } from 'node:stream'
import { parse, type Parser } from 'csv-parse'
import { clickLine, impressionLine, TOUCH_COLUMNS, type TouchRow } from './events.ts'

/** How many records of each stream were written. */
export interface Converted {
  readonly impressions: number
  readonly clicks: number
}

const LINES_OF = { impressions: impressionLine, clicks: clickLine } as const
const WRITE_CHARACTERS = 1 << 16

/**
 * Writes `impressions.ndjson` and `clicks.ndjson` to a folder, which is made if missing.
 *
 * @param csv path of the log, `-` for standard input
 */
export async function convertToFolder(csv: string, folder: string): Promise<Converted> {
  await mkdir(folder, { recursive: true })
  const impressions = await LineFile.create(join(folder, 'impressions.ndjson'))
  const clicks = await LineFile.create(join(folder, 'clicks.ndjson'))
  try {
    let rowNumber = 0
    for await (const row of openRows(csv) as AsyncIterable<TouchRow>) {
      rowNumber++
      await impressions.add(impressionLine(row, rowNumber))
      await clicks.add(clickLine(row, rowNumber))
    }
    await impressions.finish()
    await clicks.finish()
  } finally {
    await impressions.close()
    await clicks.close()
  }
  return { impressions: impressions.count, clicks: clicks.count }
}

/** Writes the records of one stream to `output`. */
export async function convertToStream(csv: string, stream: keyof Converted, output: Writable): Promise<void> {
  const lineOf = LINES_OF[stream]
  await pipeline(
    openRows(csv),
    async function* (rows: AsyncIterable<TouchRow>) {
      let rowNumber = 0
      for await (const row of rows) {
        const line = lineOf(row, ++rowNumber)
        if (line !== undefined) yield `${line}\n`
      }
    },
    output,
    { end: false },
  )
}

function openRows(csv: string): Parser {
  const parser = parse({ bom: true, columns: checkedHeader })
  const input = csv === '-' ? process.stdin : createReadStream(csv, { highWaterMark: 1 << 18 })
  input.on('error', (error: Error) => parser.destroy(error))
  return input.pipe(parser)
}

function checkedHeader(header: string[]): string[] {
  const missing = TOUCH_COLUMNS.filter((column) => !header.includes(column))
  if (missing.length === 0) return header
  throw new Error(
    `This is not the TalkingData log: its header lacks ${missing.join(', ')}. It begins with: ${header.join(',').slice(0, 80)}`,
  )
}

/** A file of lines, written in large parts under another name until it is whole. */
class LineFile {
  count = 0
  readonly #path: string
  readonly #handle: FileHandle
  #text = ''

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  static async create(path: string): Promise<LineFile> {
    return new LineFile(path, await open(`${path}.part`, 'w'))
  }

  async add(line: string | undefined): Promise<void> {
    if (line === undefined) return
    this.count++
    this.#text += `${line}\n`
    if (this.#text.length >= WRITE_CHARACTERS) await this.#flush()
  }

  /** Makes the file appear. */
  async finish(): Promise<void> {
    await this.#flush()
    await rename(`${this.#path}.part`, this.#path)
  }

  /** Closes the file; one that was not finished is removed. */
  async close(): Promise<void> {
    await this.#handle.close()
    await rm(`${this.#path}.part`, { force: true })
  }

  async #flush(): Promise<void> {
    await this.#handle.appendFile(this.#text)
    this.#text = ''
  }
}
