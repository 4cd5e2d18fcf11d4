/**
 * What is wrong with an input, as errors with a way out.
 */
import { messageOf, TidemarkError } from '../../errors.ts'

/** A path that cannot be opened. */
export function unreadable(path: string, why: string, cause?: unknown): TidemarkError {
  return new TidemarkError('INPUT_MISSING', `The input "${path}" cannot be read: ${why}.`, {
    where: path,
    fix: 'Give the path of an NDJSON file (plain, .gz or .zst), or - for standard input.',
    cause,
  })
}

/** An input that was opened, and then could not be read to its end: cut off, not what its name says, a failing disk. */
export function damaged(name: string, cause: unknown): TidemarkError {
  const why = messageOf(cause)
  return new TidemarkError('INPUT_CORRUPT', `The input "${name}" is damaged: ${why}.`, {
    where: name,
    fix: 'Fetch or compress the file again; nothing was written.',
    cause,
  })
}
