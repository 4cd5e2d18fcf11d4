/**
 * Small records of JSON in folders of the data folder that their owner alone may enter: users, keys.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, TidemarkError } from '../errors.ts'
import { writeDurably } from '../runtime/durable-file.ts'
import { makeFolder } from '../runtime/make-folder.ts'

/** Reads a record; throws what is wrong with it, in words, where it has not this form. */
export function readRecord<T>(path: string, form: z.ZodType<T>): T {
  const read = form.safeParse(JSON.parse(readFileSync(path, 'utf8')))
  if (!read.success) throw new RangeError(z.prettifyError(read.error))
  return read.data
}

/** Makes a folder of the data folder, and that one where it is missing. */
export function makePrivateFolder(folder: string): void {
  makeFolder(join(folder, '..'))
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 })
}

/**
 * Writes a text that appears whole or not at all.
 *
 * @param what it is, for messages: `Users`, `The key`
 * @throws TidemarkError DATA_DIR_UNUSABLE
 */
export function writePrivately(folder: string, name: string, text: string, what: string): void {
  try {
    makePrivateFolder(folder)
    writeDurably(join(folder, name), text)
  } catch (error) {
    throw new TidemarkError('DATA_DIR_UNUSABLE', `${what} cannot be kept in ${folder}: ${messageOf(error)}.`, {
      where: folder,
      cause: error,
      fix: 'Give a folder that can be written to with --data-dir.',
    })
  }
}
