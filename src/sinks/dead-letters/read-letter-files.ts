/**
 * Reads dead-letter files, the newest letter first.
 */
import { readFileSync } from 'node:fs'
import { codeOf } from '../../errors.ts'
import { letterFiles } from './letter-files.ts'
import { isWanted, readLetterLine, type LetterFilter, type StoredLetter } from './stored-letter.ts'

/** At most `limit` letters of a folder. One file is in memory at a time. */
export function readLetterFiles(folder: string, filter: LetterFilter, limit: number): readonly StoredLetter[] {
  const found: StoredLetter[] = []
  for (const path of letterFiles(folder).toReversed()) {
    for (const line of textOf(path).split('\n').toReversed()) {
      if (found.length >= limit) return found
      const letter = readLetterLine(line)
      if (letter !== undefined && isWanted(letter, filter)) found.push(letter)
    }
  }
  return found
}

// An instance that runs may remove the oldest while the others are read.
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}
