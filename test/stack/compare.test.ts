/**
 * One pair of topics, two databases: Flink fills one, `run` the other, and `compare` finds no cell that differs.
 */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { finalUntilMs } from '../../src/database/final-until.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { readState } from '../../src/stack/state-file.ts'
import { eventually } from '../support/eventually.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { STACK_DEADLINE_MS, STACK_TEST, stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'tidemark')
const EVENTS = 20_000
/** An hour of event time, so that its first half becomes final. */
const TRAFFIC = '--rate 5 --seed 21 --disorder 4s --duplicates 5% --orphans 3% --repeats 5% --edge-clicks 10%'.split(
  ' ',
)
const EXIT_DIFFERS = 3

interface Compared {
  readonly until: string | null
  readonly equal: boolean
  readonly cells: number
  readonly differing: number
  readonly flink: string | null
}

describe('Flink and run on the same topics', { ...STACK_TEST, skip: stackMissing() }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  let ours = ''
  let theirs = ''
  let definitionFile = ''
  let run: ServiceProcess | undefined

  before(async () => {
    postgres = await startTestPostgres()
    ours = await postgres.createDatabase()
    stack = await startTestStack(['kafka', 'flink', 'postgres'])
    theirs = readState(stack.settings.home)?.databaseUrl ?? ''
    definitionFile = join(stack.settings.dataDir, 'definition.json')
    writeFileSync(definitionFile, JSON.stringify(definition(stack.brokers)))
    await succeed('generate', '--kafka', stack.brokers, '--events', String(EVENTS), '--partitions', '4', ...TRAFFIC)
    await succeed('flink', 'submit', '--data-dir', stack.settings.dataDir)
    const dataDir = join(stack.settings.dataDir, 'run')
    mkdirSync(dataDir)
    run = new ServiceProcess(dataDir, { databaseUrl: ours, args: [definitionFile] })
  }, STACK_TEST)
  after(async () => {
    run?.signal('SIGKILL')
    await run?.ended
    await stack.stop()
    await postgres.stop()
  })

  async function tidemark(...args: readonly string[]): Promise<Ended> {
    return runProgram(LAUNCHER, [...args, '--definition', definitionFile], { timeoutMs: STACK_DEADLINE_MS })
  }
  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await tidemark(...args)
    assert.equal(code, 0, `tidemark ${args.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
  async function compare(...options: readonly string[]): Promise<Compared & { readonly code: number | null }> {
    const pair = ['--database-url', theirs, '--with', ours, '--json', ...options]
    const { code, stdout, stderr } = await tidemark('compare', ...pair)
    assert.notEqual(stdout, '', stderr)
    return { ...(JSON.parse(stdout) as Compared), code }
  }
  async function counted(url: string): Promise<number> {
    const rows = await runSql(url, 'select coalesce(sum(events), 0)::int from ledger').catch(() => [])
    return Number(rows[0]?.[0] ?? 0)
  }

  it('both count every event, and windows become final in both', STACK_TEST, async () => {
    const plan = planOf(definition(stack.brokers))
    for (const url of [ours, theirs]) {
      await eventually('every event is in the ledger', async () => (await counted(url)) === EVENTS, STACK_DEADLINE_MS)
      await eventually(
        'windows are final',
        async () => (await finalUntilMs(url, plan)) !== undefined,
        STACK_DEADLINE_MS,
      )
    }
  })

  it('the status of the job has the watermark', STACK_TEST, async () => {
    const watermark = async (): Promise<number | undefined> => {
      const status = JSON.parse(await succeed('flink', 'status', '--data-dir', stack.settings.dataDir, '--json')) as {
        readonly watermarkMs?: number
      }
      return status.watermarkMs
    }
    // Flink gathers what it shows every ten seconds.
    await eventually('the watermark is shown', async () => (await watermark()) !== undefined, STACK_DEADLINE_MS)
    const [[last = null] = []] = await runSql(
      theirs,
      'select (extract(epoch from max(window_end)) * 1000)::bigint from ctr_by_campaign',
    )
    const shownMs = (await watermark()) ?? 0
    assert.ok(shownMs <= Number(last) && shownMs > Number(last) - 180_000, `${shownMs} near ${last}`)
  })

  it('no cell differs', STACK_TEST, async () => {
    const result = await compare('--final')
    assert.deepEqual([result.code, result.equal, result.differing, result.flink], [0, true, 0, 'first'])
    assert.ok(result.until !== null && result.cells > 1_000, JSON.stringify(result))
  })

  it('control: one click more is found', STACK_TEST, async () => {
    run?.signal('SIGTERM')
    await run?.ended
    await runSql(
      ours,
      `update ctr_by_campaign set clicks = clicks + 1 where (campaign_id, window_start) =
       (select campaign_id, window_start from ctr_by_campaign order by window_start, campaign_id limit 1)`,
    )
    const result = await compare('--final')
    assert.deepEqual([result.code, result.equal, result.differing], [EXIT_DIFFERS, false, 1])
  })
})

/** Two tables and the ledger: every step of the job, at half the time to plan it. */
function definition(brokers: string): object {
  return {
    extends: 'ads',
    name: 'pair',
    tables: { engagement_by_device: null, performance: null },
    sources: { http: null, kafka: { kind: 'kafka', brokers } },
  }
}
