/**
 * The tables of a job that begins with its topics: whatever stands in them would stand beside what it counts anew, as
 * the order of partitions and the clock may decide otherwise.
 *
 * M1  Tables that a `run` has taken over are emptied only where people say so, and are then taken from it. No job is
 *     started beside it.
 */
import type { Client } from 'pg'
import { inTransaction, withConnection } from '../../database/connection.ts'
import { giveToJob, tablesOwner } from '../../database/meta-table.ts'
import { clearTables, lockMigrations, migrateTables } from '../../database/migrate.ts'
import { TidemarkError } from '../../errors.ts'
import { databaseAddress } from '../../flink/job/jdbc-address.ts'
import type { FlinkSettings } from '../../flink/settings.ts'
import type { Plan } from '../../pipeline/plan.ts'

const BY = 'tidemark flink submit'

/**
 * Empties the tables that a job of these settings filled, and left no state of.
 *
 * @throws TidemarkError DATABASE_OTHER_FOLDER where they are someone else's by now
 */
export async function emptyTables(plan: Plan, settings: FlinkSettings): Promise<void> {
  await inTables(databaseAddress(settings), async (client) => {
    await migrateTables(client, plan, {})
    await requireUnowned(client, plan)
    await giveToJob(client, plan, BY)
    await clearTables(client, plan)
  })
}

/**
 * Makes the tables of a job, or what they lack, and leaves their rows.
 *
 * @throws TidemarkError DATABASE_OTHER_FOLDER where they are someone else's
 */
export async function makeTables(plan: Plan, settings: FlinkSettings): Promise<void> {
  await inTables(databaseAddress(settings), async (client) => {
    await migrateTables(client, plan, {})
    await requireUnowned(client, plan)
    await giveToJob(client, plan, BY)
  })
}

/**
 * Empties the tables of a plan whoever filled them. A `run` that does so at present is told that they were taken over.
 */
export async function replaceTables(plan: Plan, url: string): Promise<void> {
  await inTables(url, async (client) => {
    await migrateTables(client, plan, { discardRows: true })
    await giveToJob(client, plan, BY)
    await clearTables(client, plan)
  })
}

async function inTables(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const to = { url, applicationName: 'tidemark flink', doing: 'empty the tables' }
  await withConnection(to, async (client) =>
    inTransaction(client, async () => {
      // Nor is a table taken over meanwhile.
      await lockMigrations(client)
      await work(client)
    }),
  )
}

async function requireUnowned(client: Client, plan: Plan): Promise<void> {
  const owner = await tablesOwner(client, plan)
  if (owner === undefined) return
  const message = `The tables of pipeline "${plan.name}" belong to ${owner}: no job writes beside it.`
  throw new TidemarkError('DATABASE_OTHER_FOLDER', message, {
    fix: 'give another database (--database-url), or ./tidemark flink submit --replace (throws its rows away)',
  })
}
