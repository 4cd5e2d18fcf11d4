/**
 * The command that recounts what a run wrote, for people to paste after the command that wrote it.
 */
import { planArguments, type PlanOptions } from './plan-options.ts'
import { shellWord } from './shell-word.ts'

/** What such a command has to name again; the database without its URL, which holds a password. */
export function verifyLine(options: PlanOptions & { readonly dataDir: string; readonly databaseUrl?: string }): string {
  const { dataDir, databaseUrl } = options
  const database = databaseUrl === undefined ? [] : ['--database-url URL']
  return ['./tidemark verify --data-dir', shellWord(dataDir), ...database, ...planArguments(options)].join(' ')
}
