/**
 * Tables of a Flink job that left no state, on a real PostgreSQL, reached as Flink is told of it.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { withConnection } from '../../src/database/connection.ts'
import { migrate, tablesWithRows } from '../../src/database/migrate.ts'
import { databaseAddress, jdbcAddress } from '../../src/flink/job/jdbc-address.ts'
import { DEFAULT_FLINK_SETTINGS } from '../../src/flink/settings.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { emptyTables } from '../../src/stack/jobs/empty-tables.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = planOf({ extends: 'ads' })
let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(async () => postgres.stop())

it('hold nothing of what it wrote before', async () => {
  const url = await postgres.createDatabase()
  const filled = async (): Promise<readonly string[]> =>
    withConnection({ url, applicationName: 'test' }, async (client) => tablesWithRows(client, plan))
  await withConnection({ url, applicationName: 'test' }, async (client) => {
    await migrate(client, plan)
    const values = `('impressions', '2026-01-01T00:00:00Z', 'counted', 3, now())`
    await client.query(`insert into ledger (stream, window_start, class, events, updated_at) values ${values}`)
  })
  assert.deepEqual(await filled(), ['ledger'], 'control')
  await emptyTables(plan, { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(url) })
  assert.deepEqual(await filled(), [])
})

it('are where Flink is told they are, whatever is in the password', () => {
  const url = 'postgresql://me:p%40ss%3A%2F@db.example:6432/ads'
  assert.equal(databaseAddress(jdbcAddress(url)), url)
})
