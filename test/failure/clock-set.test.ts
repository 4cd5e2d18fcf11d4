/**
 * The wall clock of a running service is set, by a day ahead and by a day back, between restarts too; and it runs in
 * other time zones than the database and whoever compares. Epochs go on, nothing true is late after it, all is exact.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { after, before, describe, it, type TestContext } from 'node:test'
import { DAY_MS, HOUR_MS } from '../../src/time/units.ts'
import { impressionLine } from '../support/event-lines.ts'
import { adPlan } from '../support/engine-rig.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { assertControls, assertExact } from '../support/truth-log.ts'

const SET_CLOCK = pathToFileURL(join(import.meta.dirname, '..', 'support', 'set-clock.ts')).href
const IDLE_TIMEOUT = '500ms'

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** A service whose clock is in the test's hands. */
class ClockedRun extends ServiceRig {
  readonly #clockFile: string

  private constructor(context: TestContext, url: string, folder: string) {
    const definition = join(folder, 'definition.ts')
    super({
      context,
      url,
      seed,
      plan: adPlan({ idleTimeout: IDLE_TIMEOUT }),
      options: {
        nodeArgs: ['--import', SET_CLOCK],
        env: { TIDEMARK_TEST_CLOCK_FILE: join(folder, 'clock') },
        args: ['--definition', definition],
      },
    })
    this.#clockFile = join(folder, 'clock')
    this.set(0)
    const index = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'index.ts')).href
    const text = `{ ...adPipeline, parameters: { ...adPipeline.parameters, idleTimeout: '${IDLE_TIMEOUT}' } }`
    writeFileSync(definition, `import { adPipeline } from '${index}'\nexport default ${text}\n`)
  }

  static async begin(context: TestContext): Promise<ClockedRun> {
    const run = new ClockedRun(context, await postgres.createDatabase(), newFolder(context))
    await run.start()
    return run
  }

  /** Sets the clock by so much from the true time. */
  set(ms: number): void {
    writeFileSync(this.#clockFile, String(ms))
  }

  async restart(env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.kill()
    await this.start({ env })
  }
}

/** Sends one impression of this very moment and gives the class in which it was counted. */
async function classOf(run: ClockedRun, id: string): Promise<string> {
  const before = await classes(run)
  const body = `${impressionLine(id, Date.now())}\n`
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await fetch(`${run.base}/v1/impressions`, { method: 'POST', headers, body })
  assert.equal(response.status, 200)
  let grown: string | undefined
  await eventually('it is counted', async () => {
    const now = await classes(run)
    grown = [...now.keys()].find((name) => now.get(name) !== before.get(name))
    return grown !== undefined
  })
  return grown ?? ''
}

async function classes(run: ClockedRun): Promise<Map<string, string>> {
  const rows = await runSql(run.url, `select class, sum(events) from ledger where stream = 'impressions' group by 1`)
  return new Map(rows.map(([name, events]) => [name ?? '', events ?? '']))
}

const isIdle = async (run: ClockedRun): Promise<boolean> =>
  (await run.status()).partitions.every(({ state }) => state !== 'active')

describe('a clock that is set', () => {
  it(`by a day ahead and by a day back, running and between runs (seed ${seed})`, async (context) => {
    const run = await ClockedRun.begin(context)
    await run.count(20)

    run.set(DAY_MS)
    await eventually('its clock is ahead', async () => (await run.status()).nowMs > Date.now() + DAY_MS / 2)
    await run.count(20)
    await eventually('nothing comes, and W follows the clock', () => isIdle(run))
    const { watermarkMs } = await run.status()
    assert.ok((watermarkMs ?? 0) < Date.now() + HOUR_MS, 'but no leap of it')

    run.set(0)
    await eventually('its clock is right', async () => (await run.status()).nowMs < Date.now() + DAY_MS / 2)
    await run.count(20)

    run.set(-DAY_MS)
    await eventually('its clock is behind', async () => (await run.status()).nowMs < Date.now() - DAY_MS / 2)
    const { epoch } = await run.status()
    await run.count(20)
    await eventually('epochs go on', async () => (await run.status()).epoch > epoch)
    assert.ok(Number((await classes(run)).get('future') ?? 0) > 100, 'control: the present is the future of this clock')

    await run.restart()
    run.set(0)
    await run.count(20)
    run.set(DAY_MS)
    await run.restart()
    await run.count(20)
    run.set(0)
    await run.restart()
    await run.count(20)
    await run.end()
    await assertExact(run)
    await assertControls(run)
  })

  it('right again after a day ahead in silence: what comes then is counted, not late', async (context) => {
    const run = await ClockedRun.begin(context)
    await run.count(5)
    run.set(DAY_MS)
    await eventually('silence under a clock that is ahead', async () => {
      const { nowMs } = await run.status()
      return nowMs > Date.now() + DAY_MS / 2 && (await isIdle(run))
    })
    const { epoch } = await run.status()
    assert.equal(await classOf(run, 'wake'), 'counted')
    await eventually('epochs go on', async () => (await run.status()).epoch > epoch)
    run.set(0)
    assert.equal(await classOf(run, 'present'), 'counted')
    await run.end()
  })
})

describe('another time zone', () => {
  it('in each run, in the database, and where it is compared', async (context) => {
    const run = await ClockedRun.begin(context)
    await run.count(10)
    for (const zone of ['Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia', 'Europe/Dublin']) {
      const name = new URL(run.url).pathname.slice(1)
      await runSql(run.url, `alter database ${name} set timezone = '${zone}'`)
      assert.equal((await runSql(run.url, 'show timezone'))[0]?.[0], zone, 'control: the database is there')
      await run.restart({ TZ: zone })
      await run.count(10)
    }
    await run.end()
    await assertExact(run)
    const before = process.env['TZ']
    try {
      process.env['TZ'] = 'Pacific/Chatham'
      assert.notEqual(new Date().getTimezoneOffset(), 0, 'control: we are elsewhere')
      await assertExact(run)
    } finally {
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  })
})
