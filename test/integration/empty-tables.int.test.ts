/**
 * Tables of a Flink job that left no state, on a real PostgreSQL, reached as Flink is told of it.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, it } from 'node:test'
import { withConnection } from '../../src/database/connection.ts'
import { readEpochRow, startEpochRow } from '../../src/database/epoch-row.ts'
import { migrate, tablesWithRows } from '../../src/database/migrate.ts'
import { databaseAddress, jdbcAddress } from '../../src/flink/job/jdbc-address.ts'
import { DEFAULT_FLINK_SETTINGS } from '../../src/flink/settings.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { emptyTables, makeTables, replaceTables } from '../../src/stack/jobs/empty-tables.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = planOf({ extends: 'ads' })
let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(async () => postgres.stop())

let url: string
beforeEach(async () => {
  url = await postgres.createDatabase()
  await withConnection({ url, applicationName: 'test' }, async (client) => {
    await migrate(client, plan)
    const values = `('impressions', '2026-01-01T00:00:00Z', 'counted', 3, now())`
    await client.query(`insert into ledger (stream, window_start, class, events, updated_at) values ${values}`)
  })
})

const filled = async (): Promise<readonly string[]> =>
  withConnection({ url, applicationName: 'test' }, async (client) => tablesWithRows(client, plan))

it('hold nothing of what it wrote before', async () => {
  assert.deepEqual(await filled(), ['ledger'], 'control')
  await emptyTables(plan, { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(url) })
  assert.deepEqual(await filled(), [])
})

it('are left alone where a run has taken them over; people may take them from it (M1)', async () => {
  const owner = { id: 'o', name: 'process 7 of run', writer: 'run' as const, folderId: 'f' }
  await withConnection({ url, applicationName: 'test' }, async (client) => startEpochRow(client, plan, owner))
  const settings = { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(url) }
  for (const work of [emptyTables, makeTables])
    await assert.rejects(work(plan, settings), /belong to process 7 of run: no job writes beside it/)
  assert.deepEqual(await filled(), ['ledger'])
  await replaceTables(plan, url)
  assert.deepEqual(await filled(), [])
  const row = await withConnection({ url, applicationName: 'test' }, async (client) => readEpochRow(client, plan.name))
  assert.deepEqual([row?.owner, row?.ownerName], [null, 'tidemark flink submit'])
  await emptyTables(plan, settings)
  await makeTables(plan, settings)
})

it('are where Flink is told they are, whatever is in the password', () => {
  const url = 'postgresql://me:p%40ss%3A%2F@db.example:6432/ads'
  assert.equal(databaseAddress(jdbcAddress(url)), url)
})
