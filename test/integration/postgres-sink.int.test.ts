/**
 * A replay's sink against a real server (W1 to W3 of `postgres-sink.ts`): one transaction for the whole run. What rows
 * hold is in `epoch-rows.int.test.ts`: both are written by one writer.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { PostgresSink, type PostgresSinkOptions } from '../../src/sinks/postgres/postgres-sink.ts'
import { campaign, cellChanges, epoch, ledgerChanges } from '../support/change-sets.ts'
import { campaignRows, claimedStore } from '../support/live-epochs.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)

let postgres: TestPostgres

function sinkOn(url: string, options: Partial<PostgresSinkOptions> = {}): PostgresSink {
  return new PostgresSink({ url, plan, writer: 'replay', ...options })
}

async function openSink(url: string, options: Partial<PostgresSinkOptions> = {}): Promise<PostgresSink> {
  const sink = sinkOn(url, options)
  await sink.open()
  return sink
}

/** Another pipeline, with tables of its own. */
function otherPlan(): Plan {
  const performance = adPipeline.tables['performance']
  assert.ok(performance !== undefined)
  return freezePlan({ ...adPipeline, name: 'other', tables: { elsewhere: performance }, ledger: 'other_ledger' })
}

describe('PostgresSink', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  describe('a run', () => {
    it('B1 of writer-session: refuses a second writer and names the first; readers are not in the way', async () => {
      const url = await postgres.createDatabase()
      const first = await claimedStore(url)
      await assert.rejects(sinkOn(url).open(), (error: unknown) => {
        assert.ok(error instanceof TidemarkError)
        assert.equal(error.code, 'DATABASE_BUSY')
        assert.match(error.message, new RegExp(`tidemark run \\(process ${process.pid}\\)`))
        return true
      })
      await first.close()
      // The control: with the first gone, the second is welcome.
      const second = await openSink(url)
      await second.close()
    })

    it('shows nothing before the commit, then everything; a run again replaces it', async () => {
      const url = await postgres.createDatabase()
      for (const run of [1, 2]) {
        const sink = await openSink(url)
        const cells = [campaign(`run ${run}`, { impressions: run, isFinal: true }), campaign('provisional')]
        await sink.write(
          epoch(1, [cellChanges('ctr_by_campaign', cells)], ledgerChanges([[0, 'clicks', 'pending', 1]])),
        )
        await sink.write(
          epoch(
            2,
            [],
            ledgerChanges([
              [0, 'clicks', 'pending', 0],
              [0, 'clicks', 'orphan', 1],
            ]),
          ),
        )
        // Before the first commit there is not even a table.
        const seen = run === 1 ? [] : await campaignRows(url)
        assert.deepEqual(
          seen.map(([name]) => name),
          run === 1 ? [] : ['run 1'],
        )
        await sink.commit()
        await sink.close()
        assert.deepEqual(
          (await campaignRows(url)).map(([name]) => name),
          [`run ${run}`],
        )
        assert.deepEqual(await runSql(url, 'select class, events from ledger'), [['orphan', '1']])
      }
    })

    it('W4: keeps no other pipeline of the database from starting while it runs', async () => {
      const url = await postgres.createDatabase()
      const other = otherPlan()
      // Both at once in an empty database, and then a third beside what they hold open.
      const [first, second] = await Promise.all([openSink(url), openSink(url, { plan: other, timeoutMs: 5_000 })])
      await second.commit()
      await second.close()
      const store = await claimedStore(url, { plan: other, replace: true, timeoutMs: 5_000 })
      await store.close()
      await first.commit()
      await first.close()
      const granted = `select has_table_privilege('tidemark_reader', 'ctr_by_campaign', 'select')::text,
        has_table_privilege('tidemark_reader', 'elsewhere', 'select')::text`
      assert.deepEqual(await runSql(url, granted), [['true', 'true']])
    })

    it('leaves the old rows when it does not come to a commit', async () => {
      const url = await postgres.createDatabase()
      const first = await openSink(url)
      await first.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('old', { isFinal: true })])]))
      await first.commit()
      await first.close()
      const second = await openSink(url)
      await second.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('new', { isFinal: true })])]))
      await second.close()
      assert.deepEqual(
        (await campaignRows(url)).map(([name]) => name),
        ['old'],
      )
    })

    it('W5 of replaced-rows: replaces the rows of a live pipeline only when told to, those of a stranger never', async () => {
      const url = await postgres.createDatabase()
      const live = await claimedStore(url)
      await live.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1 })])]))
      await live.close()
      await assert.rejects(sinkOn(url).open(), {
        code: 'DATABASE_BUSY',
        message: /written by tidemark run/,
        fix: /--replace/,
      })
      const told = await openSink(url, { replace: true })
      await told.commit()
      await told.close()
      assert.deepEqual(await campaignRows(url), [])
    })

    it('W1: leaves no dead letters and interruptions of the rows that it replaces', async () => {
      const url = await postgres.createDatabase()
      const live = await claimedStore(url)
      await live.close()
      await runSql(
        url,
        `insert into tidemark_dead_letters values ('ads', 'p', 1, 'clicks', 'not_json', null, '', 0, now(), 1);
         insert into tidemark_interruptions values ('ads', 'restart', now(), now()), ('other', 'restart', now(), now());
         update tidemark_meta set dead_letters_dropped = 7`,
      )
      const told = await openSink(url, { replace: true })
      await told.commit()
      await told.close()
      assert.deepEqual(await runSql(url, 'select count(*) from tidemark_dead_letters'), [['0']])
      assert.deepEqual(await runSql(url, 'select pipeline from tidemark_interruptions'), [['other']])
      assert.deepEqual(await runSql(url, 'select dead_letters_dropped from tidemark_meta'), [['0']])
    })

    it('leaves a table of someone else alone, also beside tables of ours', async () => {
      const url = await postgres.createDatabase()
      const first = await openSink(url)
      await first.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('a', { impressions: 1, isFinal: true })])]))
      await first.commit()
      await first.close()
      await runSql(url, `create table orders (id int primary key, what text)`)
      await runSql(url, `insert into orders values (1, 'an order')`)
      const wider = freezePlan({
        ...adPipeline,
        tables: { ...adPipeline.tables, orders: { dimensions: ['browser'], measures: ['clicks'] } },
      })
      for (const replace of [false, true])
        await assert.rejects(sinkOn(url, { plan: wider, replace }).open(), {
          code: 'DATABASE_BUSY',
          message: /"orders" \(written by someone else\)/,
          // It would not help.
          fix: /^(?!.*--replace)/,
        })
      assert.deepEqual(await runSql(url, 'select what from orders'), [['an order']])
      assert.equal((await campaignRows(url)).length, 1)
    })

    it('is lost with its session, and says so instead of committing half', async () => {
      const url = await postgres.createDatabase()
      const sink = await openSink(url)
      await sink.write(epoch(1, [cellChanges('ctr_by_campaign', [campaign('a', { isFinal: true })])]))
      await runSql(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tidemark replay%'`,
      )
      const rest = epoch(2, [cellChanges('ctr_by_campaign', [campaign('b', { isFinal: true, minute: 1 })])])
      await assert.rejects(sink.write(rest), { code: 'DATABASE_UNAVAILABLE', retryable: false })
      await assert.rejects(sink.commit(), { code: 'DATABASE_UNAVAILABLE', retryable: false })
      await sink.close()
    })
  })
})
