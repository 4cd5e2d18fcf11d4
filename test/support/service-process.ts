/**
 * `tidemark run` as a process of its own, to be killed, stopped, traced, or started in another world.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

export interface ServiceEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a service says when it is ready. */
export interface ServiceBanner {
  readonly url: string
  readonly adminUrl: string
  readonly databaseUrl: string
  readonly pid: number
}

export interface ServiceOptions {
  /** Left out: a server of its own in the data folder. */
  readonly databaseUrl?: string
  /** More options of `run`; later ones win over those that a test always gives. */
  readonly args?: readonly string[]
  /** Options of Node's own. */
  readonly nodeArgs?: readonly string[]
  /** Added to the environment of this process. */
  readonly env?: NodeJS.ProcessEnv
  /** A program and its arguments that Node runs under. */
  readonly under?: readonly string[]
}

export class ServiceProcess {
  readonly #child: ChildProcess
  /** What it said once it takes events in; undefined where it ended before. */
  readonly banner: Promise<ServiceBanner | undefined>
  readonly ended: Promise<ServiceEnd>
  #stderr = ''

  /** Starts one with epochs of 100 ms. */
  constructor(dataDir: string, options: ServiceOptions = {}) {
    const { databaseUrl, args = [], nodeArgs = [], env = {}, under = [] } = options
    const fixed = ['--port', '0', '--admin-port', '0', '--epoch', '100ms', '--json', '--data-dir', dataDir]
    const url = databaseUrl === undefined ? [] : ['--database-url', databaseUrl]
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...nodeArgs, MAIN, 'run', ...fixed]
    const [file = '', ...rest] = [...under, ...node, ...url, ...args]
    const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }))
    const lines = createInterface(child.stdout)
    this.banner = Promise.race([
      once(lines, 'line').then(([line]) => bannerOf(String(line))),
      this.ended.then(() => undefined),
    ])
  }

  /** Where its page is, once it takes events in; undefined where it ended before. */
  get url(): Promise<string | undefined> {
    return this.banner.then((banner) => banner?.url)
  }

  /** What it said on stderr. */
  get stderr(): string {
    return this.#stderr
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Whether the system has stopped it. */
  get isStopped(): boolean {
    return /^State:\s+T/m.test(this.#status())
  }

  /** Memory that it holds now, bytes. */
  get residentBytes(): number {
    return 1_024 * Number(/^VmRSS:\s+(\d+)/m.exec(this.#status())?.[1])
  }

  /** The most memory that it ever held, bytes. */
  get peakBytes(): number {
    return 1_024 * Number(/^VmHWM:\s+(\d+)/m.exec(this.#status())?.[1])
  }

  /** Sockets that it holds open. */
  get openSockets(): number {
    const folder = `/proc/${this.#child.pid}/fd`
    return readdirSync(folder).filter((fd) => {
      try {
        return readlinkSync(join(folder, fd)).startsWith('socket:')
      } catch {
        return false
      }
    }).length
  }

  #status(): string {
    return readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
  }
}

/** A start that fails prints its error in place of a banner. */
function bannerOf(line: string): ServiceBanner | undefined {
  const document = JSON.parse(line) as { readonly ready?: boolean } & ServiceBanner
  return document.ready === true ? document : undefined
}
