/**
 * A pipeline whose service is a process of its own, started, killed and started again, with the truth of what it was
 * sent.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import type { TestContext } from 'node:test'
import type { Plan } from '../../src/pipeline/plan.ts'
import type { PipelineStatus } from '../../src/runtime/status.ts'
import { adPlan } from './engine-rig.ts'
import { eventually } from './eventually.ts'
import { makeDataDir } from './postgres.ts'
import { ServiceProcess, type ServiceEnd, type ServiceOptions } from './service-process.ts'
import { seededRandom } from './simulated-disk.ts'
import { assertExact, countedEvents, TruthLog, type Judged } from './truth-log.ts'
import { afterwards } from './afterwards.ts'

export interface RigOptions {
  readonly context: TestContext
  /** The database that it writes to. */
  readonly url: string
  readonly seed: number
  /** A new folder below the temporary one unless given. */
  readonly dataDir?: string
  readonly plan?: Plan
  /** What each start has in common. */
  readonly options?: ServiceOptions
}

export class ServiceRig implements Judged {
  readonly truth: TruthLog
  readonly dataDir: string
  readonly url: string
  readonly plan: Plan
  readonly replay: string
  readonly #given: RigOptions
  #service: ServiceProcess | undefined
  #base = ''

  constructor(given: RigOptions) {
    this.#given = given
    this.truth = new TruthLog(seededRandom(given.seed))
    this.dataDir = given.dataDir ?? makeDataDir()
    this.url = given.url
    this.plan = given.plan ?? adPlan()
    this.replay = `TIDEMARK_SEED=${given.seed}`
    if (given.dataDir === undefined)
      afterwards(given.context, () => rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 3 }))
  }

  /** The process that runs, or ran last. */
  get service(): ServiceProcess {
    return this.#service ?? assert.fail('it was never started')
  }

  /** Where it takes events in. */
  get base(): string {
    return this.#base
  }

  /** Starts one without waiting for it; it is killed with the test, whatever becomes of it. */
  spawn(options: ServiceOptions = {}): ServiceProcess {
    const { options: common = {}, context } = this.#given
    const service = new ServiceProcess(this.dataDir, {
      databaseUrl: this.url,
      ...common,
      ...options,
      args: [...(common.args ?? []), ...(options.args ?? [])],
      env: { ...common.env, ...options.env },
    })
    afterwards(context, () => {
      service.signal('SIGCONT')
      service.signal('SIGKILL')
    })
    return service
  }

  /** Starts one and waits until it takes events in. */
  async start(options: ServiceOptions = {}): Promise<void> {
    this.#service = this.spawn(options)
    const url = await this.#service.url
    assert.ok(url !== undefined, this.#service.stderr)
    this.#base = url
  }

  async kill(): Promise<ServiceEnd> {
    this.service.signal('SIGKILL')
    return this.service.ended
  }

  /** Ends it in order. */
  async end(): Promise<void> {
    this.service.signal('SIGTERM')
    assert.deepEqual(await this.service.ended, { code: 0, signal: null }, this.service.stderr)
  }

  /** Sends so many new batches, and what was not acknowledged before; all have to be. */
  async send(newBatches: number): Promise<void> {
    await this.truth.send(this.#base, { newBatches })
    assert.ok(this.truth.areAllAcknowledged, this.service.stderr)
  }

  /** Sends like {@link send} and waits until all is counted. */
  async count(newBatches: number, deadlineMs = 20_000): Promise<void> {
    await this.send(newBatches)
    const isCounted = async (): Promise<boolean> => (await countedEvents(this.url)) >= this.truth.acknowledgedEvents
    await eventually('all is counted', isCounted, deadlineMs)
  }

  /** What it says of itself; up to a second old. */
  async status(): Promise<PipelineStatus> {
    const page = (await (await fetch(`${this.#base}/api/page`)).json()) as { readonly status: PipelineStatus | null }
    assert.ok(page.status !== null)
    return page.status
  }

  /** Starts again, takes what was not acknowledged and some more, ends in order, and compares. */
  async endsExact(): Promise<void> {
    await this.start()
    await this.send(3)
    await this.end()
    await assertExact(this)
  }
}
