/**
 * Why a file could not be read, in words.
 */
import { codeOf, messageOf } from '../../errors.ts'

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission was denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is no folder',
}

/** The reason that an error of the file system gives. */
export function whyUnreadable(error: unknown): string {
  return WORDS[codeOf(error) ?? ''] ?? messageOf(error)
}
