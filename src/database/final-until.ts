/**
 * Up to when the windows in a database are final.
 */
import type { Plan } from '../pipeline/plan.ts'
import { withConnection } from './connection.ts'
import { findRelation } from './found-schema.ts'
import { epochMs, qualifiedTable } from '../text/sql-text.ts'

/**
 * The end of the last window that some table says is final, ms since the epoch; undefined where none is. Windows become
 * final in the order of time, so all windows before it are.
 *
 * @throws TidemarkError DATABASE_UNAVAILABLE, DATABASE_FAILED
 */
export async function finalUntilMs(url: string, plan: Plan): Promise<number | undefined> {
  const doing = 'ask which windows are final'
  return withConnection(
    { url, applicationName: 'tidemark compare', queryTimeoutMs: 120_000, doing },
    async (client) => {
      const ends: number[] = []
      for (const { name } of plan.tables) {
        if ((await findRelation(client, name)) === undefined) continue
        const { rows } = await client.query<{ end: string | null }>(
          `select ${epochMs('max(window_end)')}::text as end from ${qualifiedTable(name)} where is_final`,
        )
        const end = rows[0]?.end ?? null
        if (end !== null) ends.push(Number(end))
      }
      return ends.length === 0 ? undefined : Math.max(...ends)
    },
  )
}
