/**
 * The epoch protocol on a real server: epochs follow one another once each, claims are refused by name and with a way
 * out, whoever was overtaken writes nothing, and a server that is away costs nothing but time.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { recoveryPoint, recoveryRefusal } from '../../src/runtime/recovery-point.ts'
import { EPOCH_FORMAT } from '../../src/database/epoch-row.ts'
import { PostgresSink } from '../../src/sinks/postgres/postgres-sink.ts'
import { cellChanges, epoch, START_MS } from '../support/change-sets.ts'
import { eventually } from '../support/eventually.ts'
import { claimedStore, leftBy, liveEpoch, PLAN, storeOn } from '../support/live-epochs.ts'
import { isLockAwaited, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const OTHER_FOLDER = '00000000-0000-4000-8000-000000000000'

let postgres: TestPostgres

const campaigns = (url: string): ReturnType<typeof runSql> =>
  runSql(url, 'select campaign_id, impressions from ctr_by_campaign order by 1')

async function refusal(work: Promise<unknown>): Promise<TidemarkError> {
  const error = await work.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof TidemarkError, String(error))
  return error
}

describe('EpochStore', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  describe('epochs', () => {
    it('follow one another; a claim says exactly where they stand', async () => {
      const url = await postgres.createDatabase()
      const store = storeOn(url)
      assert.deepEqual(await store.claim(), { epoch: 0, watermarkMs: -Infinity, positions: {} })
      await store.write(liveEpoch(1))
      await store.write({ ...liveEpoch(2, ['b', 'c']), watermarkMs: -Infinity })
      await store.write({ ...liveEpoch(3, []), watermarkMs: START_MS + 0.001e3 })
      await store.close()
      assert.deepEqual(await campaigns(url), [
        ['a', '1'],
        ['b', '2'],
        ['c', '2'],
      ])
      const next = storeOn(url)
      const { positions } = liveEpoch(3)
      assert.deepEqual(await next.claim(), { epoch: 3, watermarkMs: START_MS + 1, positions })
      await next.write(liveEpoch(4))
      await next.close()
    })

    it('E2: are written once, however often they are given', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      const left = await leftBy(url)
      const versions = 'select xmin from ctr_by_campaign union all select xmin from tidemark_meta'
      const before = await runSql(url, versions)
      await store.write(liveEpoch(1))
      assert.deepEqual(await leftBy(url), left)
      assert.deepEqual(await runSql(url, versions), before)
      // The control: the next one does leave something.
      await store.write(liveEpoch(2))
      assert.notDeepEqual(await runSql(url, versions), before)
      await store.close()
    })

    it('cannot be left out, and one that does not follow is for good', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      const error = await refusal(store.write(liveEpoch(3)))
      assert.equal(error.code, 'EPOCH_MISMATCH')
      assert.equal(error.retryable, false)
      assert.match(error.message, /hold epoch 1: epoch 3 cannot follow/)
      assert.deepEqual(await campaigns(url), [
        ['a', '1'],
        ['b', '1'],
      ])
      await store.close()
    })

    it('E1, and F2 of epoch-row: leave nothing where one fails half-way', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      const left = await leftBy(url)
      const bad = cellChanges('engagement_by_device', [{ dimensions: ['no\0database'], impressions: 1 }])
      const two = liveEpoch(2)
      const half = { ...two, changes: { ...two.changes, cells: [...two.changes.cells, bad] } }
      assert.equal((await refusal(store.write(half))).retryable, false)
      assert.deepEqual(await leftBy(url), left)
      await store.close()
    })
  })

  describe('a claim', () => {
    it('is refused on tables that another data folder feeds, unless told to replace them', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      const error = await refusal(storeOn(url, { folderId: OTHER_FOLDER }).claim())
      assert.equal(error.code, 'DATABASE_OTHER_FOLDER')
      assert.match(error.message, /another data folder \(6f9619ff.*epoch 1/)
      assert.match(error.fix ?? '', /--replace/)
      // The owner was not disturbed.
      await store.write(liveEpoch(2))
      await store.close()
      const told = storeOn(url, { folderId: OTHER_FOLDER, replace: true })
      assert.equal((await told.claim()).epoch, 0)
      assert.deepEqual(await campaigns(url), [])
      assert.deepEqual(await runSql(url, 'select * from tidemark_dead_letters'), [])
      await told.close()
    })

    it('is refused with another plan, says what differs, and a rebuild begins anew', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      await store.close()
      const plan = freezePlan({
        ...adPipeline,
        parameters: { attributionWindow: '45m' },
        tables: { ...adPipeline.tables, by_browser: { dimensions: ['browser'], measures: ['clicks'] } },
      })
      const error = await refusal(storeOn(url, { plan }).claim())
      assert.equal(error.code, 'PLAN_CHANGED')
      assert.match(error.message, /parameter attributionWindow was 30m and is 45m/)
      assert.match(error.message, /table by_browser is new/)
      assert.match(error.fix ?? '', /\.\/tidemark rebuild/)
      assert.equal((await campaigns(url)).length, 2)
      const rebuild = storeOn(url, { plan, rebuild: true })
      assert.equal((await rebuild.claim()).epoch, 0)
      assert.deepEqual(await campaigns(url), [])
      await rebuild.close()
    })

    it('is refused by what a newer version wrote', async () => {
      const url = await postgres.createDatabase()
      await (await claimedStore(url)).close()
      await runSql(url, `update tidemark_meta set format_version = ${EPOCH_FORMAT + 1}`)
      const error = await refusal(storeOn(url).claim())
      assert.equal(error.code, 'FORMAT_NEWER')
      assert.match(error.message, /format 2, and this version knows formats up to 1/)
    })

    it('is refused where a table of a recorded epoch is gone', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      await store.close()
      await runSql(url, 'drop table engagement_by_device')
      const error = await refusal(storeOn(url).claim())
      assert.equal(error.code, 'EPOCH_MISMATCH')
      assert.match(error.message, /"engagement_by_device" is gone/)
    })

    it('is refused over the rows of another writer, as ever; a demo replaces those of demos before epochs', async () => {
      const url = await postgres.createDatabase()
      const demo = new PostgresSink({ url, plan: PLAN, writer: 'demo' })
      await demo.open()
      await demo.write(
        epoch(1, [cellChanges('ctr_by_campaign', [{ dimensions: ['old'], impressions: 1, isFinal: true }])]),
      )
      await demo.commit()
      await demo.close()
      const error = await refusal(storeOn(url).claim())
      assert.equal(error.code, 'DATABASE_BUSY')
      assert.match(error.message, /rows that run would replace: "ctr_by_campaign" \(written by tidemark demo\)/)
      const next = storeOn(url, { writer: 'demo' })
      assert.equal((await next.claim()).epoch, 0)
      assert.deepEqual(await campaigns(url), [])
      await next.close()
    })

    it('E4: that its caller refuses changes nothing: the owner goes on', async () => {
      const url = await postgres.createDatabase()
      const store = await claimedStore(url)
      await store.write(liveEpoch(1))
      const checkpoints = [7, 8]
      const claim = storeOn(url).claim(({ epoch: found }) => {
        const error = recoveryRefusal(recoveryPoint(found, checkpoints), '.tidemark')
        if (error !== undefined) throw error
      })
      const error = await refusal(claim)
      assert.equal(error.code, 'EPOCH_MISMATCH')
      assert.match(error.message, /epoch 1, older than the oldest checkpoint \(7\)/)
      const [before] = await runSql(url, 'select count(*) from pg_stat_activity where application_name like $$%run%$$')
      assert.deepEqual(before, ['1'])
      await store.write(liveEpoch(2))
      await store.close()
    })
  })

  describe('whoever was overtaken', () => {
    it('E3, and F1 of epoch-row: is fenced and changes no row, even with a transaction under way', async () => {
      const url = await postgres.createDatabase()
      const first = await claimedStore(url)
      await first.write(liveEpoch(1))
      // The first is held in the middle of epoch 2: it has moved the row and waits for a cell.
      const rival = new pg.Client({ connectionString: url })
      await rival.connect()
      await rival.query(`begin; select 1 from ctr_by_campaign where campaign_id = 'b' for update`)
      const late = first.write(liveEpoch(2)).catch((error: unknown) => error)
      await eventually('the first waits', () => isLockAwaited(url))
      const second = storeOn(url)
      assert.equal((await second.claim()).epoch, 1)
      await rival.query('rollback')
      await rival.end()
      const lost = await late
      assert.ok(lost instanceof TidemarkError && lost.retryable, String(lost))
      await second.write(liveEpoch(2, ['x']))
      const left = await leftBy(url)
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await refusal(first.write(liveEpoch(2)))
        assert.equal(error.code, 'FENCED')
        assert.match(error.message, new RegExp(`taken over by tidemark run \\(process ${process.pid} on .*since`))
      }
      assert.deepEqual(await leftBy(url), left)
      // The control: the overtaker was never disturbed.
      await second.write(liveEpoch(3))
      await Promise.all([first.close(), second.close()])
    })

    it('is refused after another pipeline took its tables, and begins anew where it is told to', async () => {
      const url = await postgres.createDatabase()
      const first = await claimedStore(url)
      await first.write(liveEpoch(1))
      await first.close()
      const renamed = freezePlan({ ...adPipeline, name: 'renamed' })
      const other = await claimedStore(url, { plan: renamed, folderId: OTHER_FOLDER, replace: true })
      await other.write(liveEpoch(1, ['theirs']))
      await other.close()
      const left = await leftBy(url)
      const error = await refusal(storeOn(url).claim())
      assert.equal(error.code, 'DATABASE_OTHER_FOLDER')
      assert.match(
        error.message,
        /taken over by pipeline "renamed" \(since .* UTC\), after epoch 1 of this data folder/,
      )
      assert.deepEqual(await leftBy(url), left)
      const again = storeOn(url, { replace: true })
      assert.equal((await again.claim()).epoch, 0)
      assert.deepEqual(await campaigns(url), [])
      await again.write(liveEpoch(1, ['ours']))
      await again.close()
      const later = storeOn(url)
      assert.equal((await later.claim()).epoch, 1, 'control: an owner goes on')
      await later.close()
    })

    it('is fenced by another pipeline on the same tables, and by a replay, too', async () => {
      const url = await postgres.createDatabase()
      const first = await claimedStore(url)
      await first.write(liveEpoch(1))
      await first.close()
      const other = await claimedStore(url, {
        plan: freezePlan({ ...adPipeline, name: 'renamed' }),
        folderId: OTHER_FOLDER,
        replace: true,
      })
      await other.write(liveEpoch(1, ['theirs']))
      await other.close()
      assert.equal((await refusal(first.write(liveEpoch(2)))).code, 'FENCED')
      assert.deepEqual(await campaigns(url), [['theirs', '1']])
      const replay = new PostgresSink({ url, plan: PLAN, writer: 'replay', replace: true })
      await replay.open()
      await replay.commit()
      await replay.close()
      const error = await refusal(other.write(liveEpoch(2)))
      assert.equal(error.code, 'FENCED')
      assert.deepEqual(await campaigns(url), [])
    })
  })
})
