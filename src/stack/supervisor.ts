/**
 * Keeps the parts of the stack running, in a process of its own, and takes them down together.
 *
 * S1  All parts start at once; each waits by itself for those it needs.
 * S2  At the end they stop in the order in which they depend on each other: jobs with a savepoint, Flink, then
 *     PostgreSQL and Kafka.
 * S3  The state file says what is: it is written at each change, and last when everything has stopped.
 * S4  A job manager that dies takes the task manager with it: what still runs there belongs to no job any more, and
 *     must not write beside the job that is started in its place.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { identify } from '../database/process-identity.ts'
import { messageOf } from '../errors.ts'
import { DatabasePart } from './database-part.ts'
import { jarFolder } from './fetch-jars.ts'
import { supersetFolder } from './fetch-superset.ts'
import { flinkParts } from './flink-parts.ts'
import { emptyTables } from './jobs/empty-tables.ts'
import { JobKeeper } from './jobs/job-keeper.ts'
import { kafkaPart } from './kafka-part.ts'
import { PartProcess } from './part-process.ts'
import type { StackPart } from './part.ts'
import { stackUrls, type StackSettings } from './settings.ts'
import { writeState } from './state-file.ts'
import { supersetPart } from './superset-part.ts'
import { trafficPart } from './traffic-part.ts'

/** What a job needs in order to start. */
const FLINK_PARTS = ['jobmanager', 'taskmanager', 'gateway']

/** Runs the stack until `signal` is aborted and everything has stopped. */
export async function supervise(settings: StackSettings, signal: AbortSignal): Promise<void> {
  const supervisor = new Supervisor(settings)
  try {
    await supervisor.start()
    await aborted(signal)
    await supervisor.stop()
  } catch (error) {
    await supervisor.stop(messageOf(error))
  }
}

class Supervisor {
  readonly #settings: StackSettings
  readonly #identity = identify(process.pid)
  readonly #logFolder: string
  #database: DatabasePart | undefined
  #processes: readonly PartProcess[] = []
  #keeper: JobKeeper | undefined
  #runs: readonly Promise<void>[] = []
  #failure: string | undefined

  constructor(settings: StackSettings) {
    this.#settings = settings
    this.#logFolder = join(settings.home, 'logs')
    mkdirSync(this.#logFolder, { recursive: true, mode: 0o700 })
  }

  async start(): Promise<void> {
    const settings = this.#settings
    this.#report()
    if (settings.groups.includes('postgres')) this.#database = await DatabasePart.start(settings, () => this.#report())
    const parts = await partsOf(settings)
    this.#processes = parts.map((part) => new PartProcess(part, this.#logFolder, () => this.#changed(part.name)))
    if (settings.groups.includes('flink')) this.#keeper = this.#makeKeeper()
    this.#report()
    this.#runs = [...this.#processes, ...(this.#keeper === undefined ? [] : [this.#keeper])].map(async (one) =>
      one.run(),
    )
  }

  async stop(failure?: string): Promise<void> {
    this.#failure = failure
    await this.#keeper?.stop()
    for (const part of this.#processes.toReversed()) await part.stop()
    await Promise.all(this.#runs)
    await this.#database?.stop()
    this.#database = undefined
    this.#report()
  }

  #makeKeeper(): JobKeeper {
    return new JobKeeper({
      home: this.#settings.home,
      cluster: stackUrls(this.#settings.ports),
      databaseUrl: () => this.#database?.url,
      isReady: () => FLINK_PARTS.every((name) => this.#process(name)?.state.status === 'ready'),
      onChange: () => this.#report(),
      emptyTables,
    })
  }

  #process(name: string): PartProcess | undefined {
    return this.#processes.find(({ state }) => state.name === name)
  }

  #changed(name: string): void {
    this.#report()
    if (name === 'jobmanager' && this.#process(name)?.state.status === 'waiting')
      this.#process('taskmanager')?.replace('it was ended with its job manager')
  }

  #report(): void {
    if (this.#identity === undefined) throw new Error('this process cannot be identified')
    writeState(this.#settings.home, {
      supervisor: this.#identity,
      settings: this.#settings,
      parts: [this.#database, ...this.#processes].flatMap((part) => part?.state ?? []),
      jobs: this.#keeper?.jobs ?? [],
      databaseUrl: this.#database?.url,
      failure: this.#failure,
    })
  }
}

async function partsOf(settings: StackSettings): Promise<readonly StackPart[]> {
  const { groups, cacheDir } = settings
  return [
    ...(groups.includes('kafka') ? [await kafkaPart(settings, jarFolder(cacheDir, 'kafka'))] : []),
    ...(groups.includes('flink') ? flinkParts(settings, jarFolder(cacheDir, 'flink')) : []),
    ...(groups.includes('superset') ? [supersetPart(settings, supersetFolder(cacheDir))] : []),
    ...(groups.includes('traffic') ? [trafficPart(settings)] : []),
  ]
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
