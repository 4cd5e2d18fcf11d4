/**
 * Many open pages (`bench/programs/open-pages.ts`) as a process of its own.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { OpenPagesResult } from '../programs/open-pages.ts'
import { commandText } from './child.ts'
import { ROOT } from './machine.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'open-pages.ts')

export class OpenPages {
  readonly #child: ChildProcess
  readonly #lines: Interface

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child
    this.#lines = lines
  }

  /** Opens them; resolves when each has its first answer. */
  static async start(url: string, pages: number): Promise<OpenPages> {
    const args = ['--disable-warning=ExperimentalWarning', PROGRAM, '--url', url, '--pages', String(pages)]
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface(child.stdout)
    const ended = once(child, 'close').then(() => undefined)
    const first = await Promise.race([once(lines, 'line'), ended])
    if (first === undefined) throw new Error(`${openPagesCommand(pages)} ended before its pages were open`)
    return new OpenPages(child, lines)
  }

  /** Closes them and says what came. */
  async stop(): Promise<OpenPagesResult> {
    const said = once(this.#lines, 'line') as Promise<[string]>
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGTERM')
    const [line] = await said
    await ended
    return JSON.parse(line) as OpenPagesResult
  }
}

/** The command that opens them, as a person would type it in the project's folder. */
export function openPagesCommand(pages: number): string {
  return commandText([PROGRAM, '--url', 'URL', '--pages', String(pages)])
}
