/**
 * The way in alone (`bench/programs/way-in.ts`), or a server that only answers, as a process of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commandText } from './child.ts'
import { ROOT } from './machine.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'way-in.ts')
const BARE_PROGRAM = join(ROOT, 'bench', 'programs', 'bare-http.ts')

export class WayIn {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Starts one on a folder, into the topics at `brokers` where they are given; resolves when it listens. */
  static start(folder: string, brokers?: string): Promise<WayIn> {
    return WayIn.#run([PROGRAM, folder, ...(brokers === undefined ? [] : [brokers])])
  }

  /** Starts a server of Node that only reads and answers (`bench/programs/bare-http.ts`). */
  static startBare(): Promise<WayIn> {
    return WayIn.#run([BARE_PROGRAM])
  }

  static async #run(program: readonly string[]): Promise<WayIn> {
    const args = ['--disable-warning=ExperimentalWarning', ...program]
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    return new WayIn(child, (JSON.parse(line) as { readonly url: string }).url)
  }

  /** Processor time since its start, user and system, of all threads, ms. */
  async cpuMs(): Promise<number> {
    const answer = (await (await fetch(`${this.url}/usage`)).json()) as { readonly cpuMs: number }
    return answer.cpuMs
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await once(this.#child, 'close')
  }
}

/** The command that starts it, as a person would type it in the project's folder. */
export function wayInCommand(brokers?: string): string {
  return commandText([PROGRAM, 'DIR', ...(brokers === undefined ? [] : [brokers])])
}

/** The same for the server that only answers. */
export function bareCommand(): string {
  return commandText([BARE_PROGRAM])
}
