/**
 * Rows that a writer would throw away, and whether it may.
 *
 * W5  Rows are only thrown away from a table that the same kind of writer wrote last, or any of ours where `replace`
 *     says so. Those of a data folder only where that folder itself recounts them, or where `replace` says so. A table
 *     that no pipeline of ours listed is never touched.
 */
import type { Client } from 'pg'
import { type LastWriter, lastWriters, type WriterKind } from '../../database/meta-table.ts'
import { tablesWithRows } from '../../database/migrate.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'

/** Who wants to throw rows away. */
export interface Replacement {
  readonly writer: WriterKind
  readonly replace: boolean
  /** The data folder that recounts its own tables. */
  readonly folderId?: string
}

/**
 * Refuses where a table holds rows that must stay (W5), judged table by table: that one of them is ours says nothing of
 * the others.
 *
 * @throws TidemarkError DATABASE_BUSY naming the tables and who wrote them
 */
export async function checkMayReplace(client: Client, plan: Plan, by: Replacement): Promise<void> {
  const writers = await lastWriters(client)
  const kept = (await tablesWithRows(client, plan)).filter((name) => !mayReplace(writers.get(name), by))
  if (kept.length === 0) return
  const described = kept.map((name) => `"${name}" (written by ${writerText(writers.get(name))})`)
  // A data folder that recounts its own tables takes no such option.
  const couldReplace = by.folderId === undefined && kept.every((name) => writers.has(name))
  throw new TidemarkError(
    'DATABASE_BUSY',
    `${kept.length === 1 ? 'A table holds' : 'Tables hold'} rows that ${by.writer} would replace: ${described.join(', ')}.`,
    {
      fix: couldReplace
        ? 'add --replace to throw those rows away, or use another database'
        : 'use another database, rename those tables in the definition, or empty them first',
    },
  )
}

function mayReplace(last: LastWriter | undefined, { writer, replace, folderId }: Replacement): boolean {
  if (last === undefined) return false
  if (replace) return true
  return last.folderId === null ? last.writer === writer : last.folderId === folderId
}

function writerText(last: LastWriter | undefined): string {
  if (last === undefined) return 'someone else'
  return `tidemark ${last.writer}${last.folderId === null ? '' : ` of data folder ${last.folderId}`}`
}
