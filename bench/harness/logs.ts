/**
 * The logs that are measured on: made once by `tidemark generate`, then kept.
 */
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { standardRate } from '../../src/traffic/settings.ts'
import { commandText, measureNode } from './child.ts'
import { ROOT } from './machine.ts'
import type { BenchContext } from './part.ts'

export const CLI: string = join(ROOT, 'src', 'cli', 'main.ts')

/** A log on disk. */
export interface Log {
  readonly events: number
  readonly impressions: string
  readonly clicks: string
  /** The options by which `replay` and `verify` are told of it. */
  readonly inputs: readonly string[]
  /** The command that makes it. */
  readonly command: string
}

/** The standard log: 95 % impressions, UUID ids, 1,000 campaigns, 4 devices, 60 minutes of event time. */
export async function standardLog(context: BenchContext, events: number = context.events): Promise<Log> {
  return madeLog(context, `standard-${events}`, events, [])
}

/** The standard log with keys in another order on every line, and one line of a hundred with escapes. */
export async function shuffledLog(context: BenchContext): Promise<Log> {
  const { events } = context
  return madeLog(context, `shuffled-${events}`, events, ['--shuffle-keys', '--escapes', '1%'])
}

/** Traffic at the standard log's rate, four times as long. */
export async function longLog(context: BenchContext): Promise<Log> {
  const rate = standardRate(context.events).toFixed(2)
  return madeLog(context, `long-${4 * context.events}`, 4 * context.events, ['--rate', rate])
}

async function madeLog(context: BenchContext, name: string, events: number, options: readonly string[]): Promise<Log> {
  const folder = join(context.dir, name)
  const args = [CLI, 'generate', '--preset', 'standard', '--events', String(events), ...options, '--out', folder]
  const command = commandText(args)
  const made = join(folder, 'made-by.txt')
  if (!existsSync(made) || (await readFile(made, 'utf8')) !== command) {
    context.say(`making ${folder}`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(context.dir, { recursive: true })
    await measureNode(args)
    // Its truth is as large as the tables, and `verify` recounts.
    await rm(join(folder, 'truth'), { recursive: true, force: true })
    await writeFile(made, command)
  }
  const [impressions, clicks] = [join(folder, 'impressions-0.ndjson'), join(folder, 'clicks-0.ndjson')]
  const inputs = ['--impressions', impressions, '--clicks', clicks]
  return { events, impressions, clicks, inputs, command }
}

/** Reads the files once, so that the page cache holds them. */
export async function warm({ impressions, clicks }: Log): Promise<void> {
  for (const path of [impressions, clicks])
    await once(createReadStream(path, { highWaterMark: 1 << 20 }).resume(), 'end')
}
