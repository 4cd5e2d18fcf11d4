/**
 * `tidemark demo`: simulated traffic → journal → embedded engine → PostgreSQL → page, in one process, with nothing
 * configured. It is `run` with simulated traffic as one more source.
 */
import { randomInt } from 'node:crypto'
import { Command } from 'commander'
import { HOUR_MS, MINUTE_MS } from '../time/units.ts'
import { addLiveOptions, liveTalk, runLive, type LiveOptions } from './live-command.ts'
import { wholeNumber } from './option-values.ts'
import { loadPlan, withDefinition } from './plan-options.ts'
import { verifyLine } from './verify-line.ts'

interface DemoOptions extends LiveOptions {
  readonly rate: number
}

// The last hour and the one before it in whole minutes, which the page compares: a little more than two hours.
const HISTORY_MS = 2 * HOUR_MS + 2 * MINUTE_MS
const KEEP_BYTES = 2e9

/** The command, for `main.ts`. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Simulated traffic to PostgreSQL and a live page, with nothing configured.')
    .option('--rate <impressions>', 'impressions per second', wholeNumber(1, 100_000), 50)
  return addLiveOptions(command).action((definition: string | undefined, options: DemoOptions) =>
    runDemo(withDefinition(definition, options)),
  )
}

async function runDemo(options: DemoOptions): Promise<void> {
  const talk = liveTalk(options)
  const plan = await loadPlan(options)
  const traffic = { rate: options.rate, seed: randomInt(2 ** 31), historyMs: HISTORY_MS }
  talk.say(`Tidemark demo: ${options.rate} impressions/s of simulated traffic, some of it hostile.`)
  await runLive(plan, options, { writer: 'demo', traffic, keepBytes: KEEP_BYTES }, talk)
  talk.say('Stopped. Everything counted is in PostgreSQL; the next demo goes on from there.')
  talk.next(verifyLine(options))
}
