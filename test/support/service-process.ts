/**
 * `tidemark run` as a process of its own, to be killed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

export interface ServiceEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class ServiceProcess {
  readonly #child: ChildProcess
  /** Where its page is, once it takes events in; undefined where it ended before. */
  readonly url: Promise<string | undefined>
  readonly ended: Promise<ServiceEnd>
  #stderr = ''

  /** Starts one with epochs of 100 ms. */
  constructor(dataDir: string, databaseUrl: string) {
    const options = ['--port', '0', '--admin-port', '0', '--epoch', '100ms', '--json']
    const args = ['--disable-warning=ExperimentalWarning', MAIN, 'run', ...options]
    const child = spawn(process.execPath, [...args, '--data-dir', dataDir, '--database-url', databaseUrl], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }))
    const lines = createInterface(child.stdout)
    this.url = Promise.race([
      once(lines, 'line').then(([line]) => (JSON.parse(String(line)) as { readonly url?: string }).url),
      this.ended.then(() => undefined),
    ])
  }

  /** What it said on stderr. */
  get stderr(): string {
    return this.#stderr
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }
}
