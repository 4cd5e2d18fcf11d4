/**
 * Tables read back from a real server have exactly the text that files and comparisons have.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readTables, type StoredTable } from '../../src/database/read-tables.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { allTables, cellRowFormatter, rowComparator, textColumns, type TextRow } from '../../src/pipeline/table-text.ts'
import { cellChanges, epoch, ledgerChanges } from '../support/change-sets.ts'
import { claimedStore } from '../support/live-epochs.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)
let postgres: TestPostgres

async function rowsOf(table: StoredTable): Promise<readonly TextRow[]> {
  const rows: TextRow[] = []
  for await (const row of table.rows) rows.push(row)
  return rows
}

async function readAll(url: string, ofPlan: Plan): Promise<ReadonlyMap<string, readonly TextRow[]>> {
  const stored = await readTables(url, ofPlan)
  const found = new Map<string, readonly TextRow[]>()
  for (const table of stored.tables) found.set(table.name, await rowsOf(table))
  await stored.close()
  await stored.close()
  return found
}

describe('readTables', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('R2: gives the rows that were written, as table-text.ts writes and sorts them', async () => {
    const url = await postgres.createDatabase()
    const sink = await claimedStore(url, { plan })
    const names = ['b', 'B', 'a b', 'a', 'é', '\uE000', '🙂', '', '"', "'", '\\', 'NULL', 'a,b', '\n']
    const cells = cellChanges(
      'ctr_by_campaign',
      Array.from({ length: 7_000 }, (_, i) => ({
        minute: i % 7,
        dimensions: [(names[i] ?? '') + (i < names.length ? '' : i)],
        impressions: i % 3,
        clicks: i % 2,
        micros: BigInt(i) * 1_234_567n,
        isFinal: i % 5 === 0,
      })),
    )
    await sink.write(
      epoch(
        1,
        [cells],
        ledgerChanges([
          [1, 'clicks', 'late', 5],
          [0, 'impressions', 'counted', 2 ** 53 - 1],
        ]),
      ),
    )
    await sink.close()

    const found = await readAll(url, plan)
    assert.deepEqual(
      [...found.keys()],
      allTables(plan).map((table) => table.name),
    )
    const [table] = plan.tables
    assert.ok(table)
    const format = cellRowFormatter(plan, table)
    const expected = Array.from({ length: cells.count }, (_, row) => format(cells, row)).toSorted(rowComparator(table))
    assert.deepEqual(found.get('ctr_by_campaign'), expected)
    assert.deepEqual(found.get('ledger'), [
      ['impressions', '2026-01-01T00:00:00.000Z', 'counted', '9007199254740991'],
      ['clicks', '2026-01-01T00:01:00.000Z', 'late', '5'],
    ])
    assert.deepEqual(found.get('performance'), [])
  })

  it('R1: reads one moment: a writer in the middle changes nothing', async () => {
    const url = await postgres.createDatabase()
    const sink = await claimedStore(url, { plan })
    await sink.write(epoch(1, [cellChanges('ctr_by_campaign', [{ dimensions: ['a'], impressions: 1 }])]))
    const stored = await readTables(url, plan)
    await sink.write(
      epoch(2, [
        cellChanges('ctr_by_campaign', [{ dimensions: ['a'], impressions: 2 }]),
        cellChanges('engagement_by_device', [{ dimensions: ['tv'], impressions: 2 }]),
      ]),
    )
    await sink.close()
    const seen: TextRow[] = []
    for (const table of stored.tables) for await (const row of table.rows) seen.push(row)
    await stored.close()
    assert.deepEqual(
      seen.map((row) => row[0]),
      ['a'],
    )
    assert.equal(seen[0]?.[3], '1')
  })

  it('R3: shows what the plan does not know: missing tables and columns, a time between milliseconds', async () => {
    const url = await postgres.createDatabase()
    await runSql(
      url,
      `create table ctr_by_campaign (extra int, window_start timestamptz, campaign_id text, ctr double precision);
       insert into ctr_by_campaign values (1, '2026-01-01T00:00:00.123456Z', 'a', 1e-7)`,
    )
    const stored = await readTables(url, plan)
    assert.deepEqual(stored.missingTables, ['engagement_by_device', 'performance', 'clicks_by_minute', 'ledger'])
    const [table] = stored.tables
    assert.deepEqual(table?.columns, ['campaign_id', 'window_start', 'ctr'])
    const missing = textColumns(plan.tables[0] ?? plan.ledger).map((column) => column.name)
    assert.deepEqual(
      table?.missingColumns,
      missing.filter((name) => !['campaign_id', 'window_start', 'ctr'].includes(name)),
    )
    assert.deepEqual(table === undefined ? undefined : await rowsOf(table), [
      ['a', '2026-01-01T00:00:00.123456Z', '1e-7'],
    ])
    await stored.close()
  })

  it('can be left early', async () => {
    const url = await postgres.createDatabase()
    const sink = await claimedStore(url, { plan })
    const two = [{ dimensions: ['a'] }, { dimensions: ['b'] }]
    await sink.write(epoch(1, [cellChanges('ctr_by_campaign', two), cellChanges('engagement_by_device', two)]))
    await sink.close()
    const stored = await readTables(url, plan)
    const first: TextRow[] = []
    for (const table of stored.tables) {
      for await (const row of table.rows) {
        first.push(row)
        break
      }
    }
    await stored.close()
    assert.deepEqual(
      first.map((row) => row[0]),
      ['a', 'a'],
    )
  })
})
