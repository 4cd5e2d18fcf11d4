/**
 * What an epoch leaves in the tables of a real server: exact values, hostile names, conflicts, loss of the session (E1,
 * E5 of `epoch-store.ts`).
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { campaign, cellChanges, epoch, ledgerChanges } from '../support/change-sets.ts'
import { eventually } from '../support/eventually.ts'
import { campaignRows, claimedStore } from '../support/live-epochs.ts'
import { isLockAwaited, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const HOSTILE_NAMES = [
  `"`,
  `'; drop table ctr_by_campaign; --`,
  `=1+1`,
  `<img onerror=alert(1)>`,
  `你好`,
  `\\`,
  `\\"`,
  `{a,b}`,
  `NULL`,
  `null`,
  `a,b\nc\r\nd\te`,
  ` leading and trailing `,
  `$1`,
  `%s`,
  `🙂\uE000`,
  `\u0001\u007f`,
  `\u202Ertl`,
  'x'.repeat(512),
]

let postgres: TestPostgres

describe('rows of an epoch', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('Q1 of table-statements: writes absolute values: the same values twice leave the same rows, and a changed cell its newest value', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const first = epoch(1, [
      cellChanges('ctr_by_campaign', [
        campaign('b', { impressions: 3, clicks: 1, micros: 1_500_000n }),
        campaign('a', { impressions: 0, clicks: 0 }),
      ]),
    ])
    await store.write(first)
    await store.write(first)
    assert.deepEqual(await campaignRows(url), [
      ['a', '0', '0', null, '0.000000', 'f'],
      ['b', '3', '1', '0.3333333333333333', '1.500000', 'f'],
    ])
    await store.write(
      epoch(2, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 2, clicks: 1, isFinal: true })])]),
    )
    assert.deepEqual((await campaignRows(url))[0], ['a', '2', '1', '0.5', '0.000000', 't'])
    await store.close()
  })

  it('Q2 of table-statements: leaves unchanged rows alone, updated_at too', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const versions = 'select campaign_id, xmin, updated_at from ctr_by_campaign order by 1'
    await store.write(
      epoch(1, [
        cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1 }), campaign('b', { impressions: 1 })]),
      ]),
    )
    const [a, b] = await runSql(url, versions)
    await store.write(
      epoch(2, [
        cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1 }), campaign('b', { impressions: 2 })]),
      ]),
    )
    const [a2, b2] = await runSql(url, versions)
    assert.deepEqual(a2, a)
    // The control: a changed row does get a new version.
    assert.notDeepEqual(b2, b)
    await store.close()
  })

  it('keeps hostile names as they are, in every text column', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    await store.write(
      epoch(1, [
        cellChanges(
          'ctr_by_campaign',
          HOSTILE_NAMES.map((name, i) => campaign(name, { impressions: i })),
        ),
        cellChanges(
          'performance',
          HOSTILE_NAMES.map((name, i) => ({ dimensions: [name, HOSTILE_NAMES.at(-i) ?? '', name], impressions: i })),
        ),
      ]),
    )
    const rows = await runSql(url, 'select campaign_id from ctr_by_campaign order by impressions')
    assert.deepEqual(rows.flat(), HOSTILE_NAMES)
    const wide = await runSql(url, 'select campaign_id, device_type, browser from performance order by impressions')
    assert.deepEqual(
      wide,
      HOSTILE_NAMES.map((name, i) => [name, HOSTILE_NAMES.at(-i), name]),
    )
    await store.write(
      epoch(2, [
        cellChanges(
          'ctr_by_campaign',
          HOSTILE_NAMES.map((name) => campaign(name, { removed: true })),
        ),
      ]),
    )
    assert.deepEqual(await campaignRows(url), [])
    await store.close()
  })

  it('keeps big counts and sums exact', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const micros = 99_999_999_999_999_999_999n
    const cells = [campaign('big', { impressions: Number.MAX_SAFE_INTEGER, clicks: 3, micros })]
    await store.write(epoch(1, [cellChanges('ctr_by_campaign', cells)]))
    const [row] = await campaignRows(url)
    assert.deepEqual(row, [
      'big',
      '9007199254740991',
      '3',
      String(3 / Number.MAX_SAFE_INTEGER),
      '99999999999999.999999',
      'f',
    ])
    await store.close()
  })

  it('deletes removed cells and ledger rows without events, and records the epoch', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    await store.write(
      epoch(
        1,
        [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1 }), campaign('b', { impressions: 1 })])],
        ledgerChanges([
          [0, 'clicks', 'pending', 4],
          [0, 'clicks', 'counted', 1],
        ]),
      ),
    )
    await store.write(
      epoch(
        2,
        [cellChanges('ctr_by_campaign', [campaign('a', { removed: true })])],
        ledgerChanges([[0, 'clicks', 'pending', 0]]),
      ),
    )
    assert.deepEqual(
      (await campaignRows(url)).map(([name]) => name),
      ['b'],
    )
    assert.deepEqual(await runSql(url, 'select stream, class, events from ledger'), [['clicks', 'counted', '1']])
    assert.deepEqual(await runSql(url, 'select pipeline, writer, epoch from tidemark_meta'), [['ads', 'run', '2']])
    await store.close()
  })

  it('writes more rows than fit one statement', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const cells = Array.from({ length: 12_345 }, (_, i) => campaign(`c${i}`, { impressions: i }))
    await store.write(epoch(1, [cellChanges('ctr_by_campaign', cells)]))
    assert.deepEqual(await runSql(url, 'select count(*), sum(impressions) from ctr_by_campaign'), [
      ['12345', String((12_344 * 12_345) / 2)],
    ])
    await store.close()
  })

  it('tries again after a deadlock', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const both = (impressions: number): ReturnType<typeof cellChanges> =>
      cellChanges('ctr_by_campaign', [campaign('a', { impressions }), campaign('z', { impressions })])
    await store.write(epoch(1, [both(1)]))
    const rival = new pg.Client({ connectionString: url })
    await rival.connect()
    await rival.query(`set deadlock_timeout = '10s'`)
    // The rival holds z and then wants a, while the store holds a and waits for z: the store is the one to be refused.
    await rival.query(`begin; select 1 from ctr_by_campaign where campaign_id = 'z' for update`)
    const written = store.write(epoch(2, [both(2)]))
    await eventually('the store waits for the rival', () => isLockAwaited(url))
    await rival.query(`select 1 from ctr_by_campaign where campaign_id = 'a' for update`)
    await rival.query('rollback')
    await rival.end()
    await written
    assert.deepEqual(await runSql(url, 'select impressions from ctr_by_campaign'), [['2'], ['2']])
    const [deadlocks] = await runSql(
      url,
      `select pg_stat_force_next_flush(), deadlocks from pg_stat_database where datname = current_database()`,
    )
    assert.ok(Number(deadlocks?.[1]) >= 1, 'there was a deadlock to recover from')
    await store.close()
  })

  it('goes on after its session was ended, even when the lost one still holds its locks', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    await store.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1 })])]))
    await runSql(
      url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tidemark run%'`,
    )
    const next = epoch(2, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 2 })])])
    await assert.rejects(store.write(next), { code: 'DATABASE_UNAVAILABLE', retryable: true })
    await store.write(next)
    assert.equal((await campaignRows(url))[0]?.[1], '2')
    await store.close()
  })

  it('works for a plan with more dimensions, another name and a scaled ratio', async () => {
    const url = await postgres.createDatabase()
    const other = freezePlan({
      ...adPipeline,
      dimensions: { ...adPipeline.dimensions, 'the "country"': { field: 'country' } },
      measures: { ...adPipeline.measures, ecpm: { ratio: ['spend', 'impressions'], scale: 1_000 } },
      tables: {
        'by "country"': { dimensions: ['the "country"', 'browser'], measures: ['ecpm', 'spend', 'impressions'] },
      },
      ledger: 'books',
    })
    const store = await claimedStore(url, { plan: other })
    const cells = cellChanges('by "country"', [{ dimensions: ['de', 'x'], impressions: 4, micros: 2_000_000n }])
    await store.write(epoch(1, [cells], ledgerChanges([[0, 'clicks', 'late', 1]])))
    const rows = await runSql(url, 'select "the ""country""", browser, ecpm, spend, impressions from "by ""country"""')
    assert.deepEqual(rows, [['de', 'x', '500', '2.000000', '4']])
    assert.deepEqual(await runSql(url, 'select events from books'), [['1']])
    await store.close()
  })

  it('B2 of writer-session: answers within its time limit when the server is frozen, and catches up when it is back', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, { timeoutMs: 500 })
    const pid = Number(
      (await runSql(url, `select pid from pg_stat_activity where application_name like 'tidemark run%'`))[0]?.[0],
    )
    const next = epoch(1, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 7 })])])
    process.kill(pid, 'SIGSTOP')
    try {
      await assert.rejects(store.write(next), {
        code: 'DATABASE_UNAVAILABLE',
        retryable: true,
        message: /does not answer/,
      })
      // A new session is open to us, but the frozen one may yet commit: nothing is written beside it.
      await assert.rejects(store.write(next), { code: 'DATABASE_BUSY', retryable: true })
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await eventually('the epoch is written', () =>
      store.write(next).then(
        () => true,
        () => false,
      ),
    )
    assert.equal((await campaignRows(url))[0]?.[1], '7')
    await store.close()
  })
})
