/**
 * `./tidemark run` as a process of its own, looked at from outside: by its metrics and by what the system says of it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { ROOT } from './machine.ts'

const PATIENCE_MS = 120_000

export interface ServiceOptions {
  readonly dataDir: string
  /** Left out, it starts a PostgreSQL of its own. */
  readonly databaseUrl?: string
  /** Such as `100ms`. */
  readonly epoch?: string
  /** What it may use, such as `2GiB`. */
  readonly memory?: string
  /** A file; left out, the ad pipeline. */
  readonly definition?: string
}

/** What a service used and did since its start. */
export interface ServiceUsage {
  /** Processor time of the process, user and system, of all threads, ms. */
  readonly cpuMs: number
  readonly rssBytes: number
  /** Since the pipeline began, restarts included. */
  readonly eventsRead: number
  readonly epoch: number
  /** Events read minus the sum of all classes. */
  readonly ledgerDifference: number
  readonly lateEvents: number
  /** Whether intake waits for memory. */
  readonly isMemoryFull: boolean
}

/** A service that takes events. */
export class Service {
  readonly url: string
  readonly databaseUrl: string
  readonly #adminUrl: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(child: ChildProcess, ended: Promise<unknown>, banner: Banner) {
    this.#child = child
    this.#ended = ended
    this.url = banner.url
    this.databaseUrl = banner.databaseUrl
    this.#adminUrl = banner.adminUrl
  }

  /** Starts one; resolves when it is ready. */
  static async start(options: ServiceOptions): Promise<Service> {
    const child = spawn(join(ROOT, 'tidemark'), serviceArgs(options), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_096)))
    const ended = once(child, 'close')
    const line = once(createInterface(child.stdout), 'line').then(([text]) => String(text))
    const first = await Promise.race([line, ended.then(() => undefined)])
    if (first === undefined) throw new Error(`${serviceCommand(options)} ended before it was ready:\n${said}`)
    return new Service(child, ended, JSON.parse(first) as Banner)
  }

  async usage(): Promise<ServiceUsage> {
    const text = await (await fetch(`${this.#adminUrl}/metrics`)).text()
    return {
      cpuMs: metric(text, 'process_cpu_seconds_total') * 1_000,
      rssBytes: metric(text, 'process_resident_memory_bytes'),
      eventsRead: metric(text, 'tidemark_events_read_total'),
      epoch: metric(text, 'tidemark_epoch'),
      ledgerDifference: metric(text, 'tidemark_ledger_difference_events'),
      lateEvents: metric(text, 'tidemark_events', 'class="late"'),
      isMemoryFull: metric(text, 'tidemark_memory_full') > 0,
    }
  }

  /** Waits until so many events were read and an epoch after that is in PostgreSQL. */
  async settled(eventsRead: number): Promise<ServiceUsage> {
    const untilMs = performance.now() + PATIENCE_MS
    let usage = await this.usage()
    const until = async (isDone: () => boolean): Promise<void> => {
      while (!isDone()) {
        if (performance.now() > untilMs) throw new Error(`${usage.eventsRead} events read where ${eventsRead} were due`)
        await delay(20)
        usage = await this.usage()
      }
    }
    await until(() => usage.eventsRead >= eventsRead)
    const { epoch } = usage
    await until(() => usage.epoch > epoch)
    return usage
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Ends it as it is meant to end. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }

  /** Kills it without a word; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

interface Banner {
  readonly url: string
  readonly adminUrl: string
  readonly databaseUrl: string
}

/** All load comes from one address, which may then send more than one address usually may. */
const UNLIMITED_RATE = 'events-per-second-per-address=100000000'

/** The command that starts it, as a person would type it in the project's folder. */
export function serviceCommand(options: ServiceOptions): string {
  return ['./tidemark', ...serviceArgs({ ...options, dataDir: 'DIR' })].join(' ')
}

function serviceArgs({ dataDir, databaseUrl, epoch, memory, definition }: ServiceOptions): readonly string[] {
  const pipeline = definition === undefined ? [] : [definition]
  const always = [
    'run',
    ...pipeline,
    '--port',
    '0',
    '--admin-port',
    '0',
    '--json',
    '--data-dir',
    dataDir,
    '--limit',
    UNLIMITED_RATE,
  ]
  return [
    ...always,
    ...(databaseUrl === undefined ? [] : ['--database-url', databaseUrl]),
    ...(epoch === undefined ? [] : ['--epoch', epoch]),
    ...(memory === undefined ? [] : ['--memory', memory]),
  ]
}

/** Sum over all labels, or over those that hold this one. */
function metric(text: string, name: string, label: string = ''): number {
  const labels = label === '' ? '(?:\\{[^}]*\\})?' : `\\{[^}]*${label}[^}]*\\}`
  const values = [...text.matchAll(new RegExp(`^${name}${labels} (\\S+)$`, 'gm'))]
  return values.reduce((sum, [, value]) => sum + Number(value), 0)
}
