/**
 * Runs a program of ours in a process of its own and measures it from outside and inside: wall clock from start to end,
 * processor time, peak memory, pauses of the garbage collector.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { pinToOneCore, ROOT } from './machine.ts'
import type { Usage } from './usage.ts'

const USAGE = join(import.meta.dirname, 'usage.ts')

/** What a program took. */
export interface Measurement extends Usage {
  readonly stdout: string
  /** From before the process was made until it ended, ms. */
  readonly wallMs: number
}

export interface ChildOptions {
  /** Keeps the process and all its threads on one core. */
  readonly onOneCore?: boolean
  readonly nodeOptions?: readonly string[]
}

type Text = Promise<string>

/** The command as a person would type it in the project's folder. */
export function commandText(
  args: readonly string[],
  { onOneCore = false, nodeOptions = [] }: ChildOptions = {},
): string {
  const pin = onOneCore ? pinToOneCore() : []
  return [...pin, 'node', ...nodeOptions, ...args.map(shortened)].join(' ')
}

/** Runs `node ARGS` in the project's folder. Rejects where it fails. */
export async function measureNode(args: readonly string[], options: ChildOptions = {}): Promise<Measurement> {
  const { onOneCore = false, nodeOptions = [] } = options
  const own = ['--disable-warning=ExperimentalWarning', '--import', USAGE, ...nodeOptions, ...args]
  const [program = '', ...rest] = [...(onOneCore ? pinToOneCore() : []), process.execPath, ...own]
  const startMs = performance.now()
  const child = spawn(program, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const [out, errors, used] = [1, 2, 3].map((fd) => text(child.stdio[fd] as Readable)) as [Text, Text, Text]
  const [stdout, stderr, usage, [code]] = await Promise.all([
    out,
    errors,
    used,
    once(child, 'close') as Promise<[number | null]>,
  ])
  const wallMs = performance.now() - startMs
  if (code !== 0) throw new Error(`${commandText(args, options)}\nended with ${code}:\n${stderr}${stdout}`)
  return { stdout, wallMs, ...(JSON.parse(usage) as Usage) }
}

function shortened(arg: string): string {
  return arg.startsWith(ROOT) ? relative(ROOT, arg) : arg
}
