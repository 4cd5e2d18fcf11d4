/**
 * The data folder in commands that we print for people to paste.
 */
import { shellWord } from './shell-word.ts'

/** The data folder that commands use when none is named. */
export const DEFAULT_DATA_DIR = '.tidemark'

/** ` --data-dir DIR`, or nothing where that is the folder a command uses anyway. */
export function dataDirArgument(dataDir: string): string {
  return dataDir === DEFAULT_DATA_DIR ? '' : ` --data-dir ${shellWord(dataDir)}`
}
