/**
 * The way in alone (`bench/programs/way-in.ts`) as a process of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { commandText } from './child.ts'
import { ROOT } from './machine.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'way-in.ts')

export class WayIn {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Starts one on a folder; resolves when it listens. */
  static async start(folder: string): Promise<WayIn> {
    const args = ['--disable-warning=ExperimentalWarning', PROGRAM, folder]
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
export function wayInCommand(): string {
  return commandText([PROGRAM, 'DIR'])
}
