/**
 * The tables of a job that begins with its topics again because it left no state: whatever it wrote by then would stand beside
 * what it counts anew, as the order of partitions and the clock may decide otherwise.
 */
import { withConnection } from '../../database/connection.ts'
import { clearTables, migrate } from '../../database/migrate.ts'
import { databaseAddress } from '../../flink/job/jdbc-address.ts'
import type { FlinkSettings } from '../../flink/settings.ts'
import type { Plan } from '../../pipeline/plan.ts'

/** Empties the tables that a job of these settings fills. */
export async function emptyTables(plan: Plan, settings: FlinkSettings): Promise<void> {
  const to = { url: databaseAddress(settings), applicationName: 'tidemark flink', doing: 'empty the tables' }
  await withConnection(to, async (client) => {
    await migrate(client, plan)
    await clearTables(client, plan)
  })
}
