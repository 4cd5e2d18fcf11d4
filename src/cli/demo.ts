/**
 * `tidemark demo`: simulated traffic → embedded engine → PostgreSQL → page, in one process, with nothing configured.
 */
import { randomInt } from 'node:crypto'
import { Command } from 'commander'
import { psqlCommand } from '../database/open-database.ts'
import type { Plan } from '../pipeline/plan.ts'
import { startLiveService, type LiveService } from '../service/live-service.ts'
import { TrafficSource } from '../sources/traffic-source.ts'
import type { CommonOptions } from './common-options.ts'
import { interruptSignal } from './interrupt.ts'
import { createLog } from './log.ts'
import { durationBetween, port, wholeNumber } from './option-values.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { createTalk, type Talk } from './talk.ts'

interface DemoOptions extends PlanOptions, CommonOptions {
  readonly rate: number
  readonly host: string
  readonly port?: number
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly epoch?: number
  readonly replace?: boolean
}

// The last hour and the one before it in whole minutes, which the page compares: a little more than two hours.
const HISTORY_MS = 2 * 3_600_000 + 2 * 60_000
const PARTITIONS = 2

/** The command, for `main.ts`. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('simulated traffic to PostgreSQL and a live page, with nothing configured')
    .option('--rate <impressions>', 'impressions per second', wholeNumber(1, 100_000), 50)
    .option('--host <address>', 'address to serve the page on', '127.0.0.1')
    .option('--port <port>', 'port of the page; 0 picks a free one (4400, or the next free one)', port)
    .option('--data-dir <dir>', 'where PostgreSQL keeps its files', '.tidemark')
    .option('--database-url <url>', 'use this PostgreSQL database instead of our own server')
    .option('--epoch <duration>', 'how often results are written, 100ms to 1m (1s)', durationBetween(100, 60_000))
    .option('--replace', 'replace tables that something other than a demo wrote')
    .option('--no-open', 'do not open a browser (the demo never does; accepted for scripts)')
  return addPlanOptions(command).action((options: DemoOptions) => runDemo(options))
}

async function runDemo(options: DemoOptions): Promise<void> {
  const talk = createTalk(options)
  const signal = interruptSignal()
  const plan = await loadPlan(options)
  const nowMs = Date.now()
  const source = new TrafficSource({
    plan,
    rate: options.rate,
    seed: randomInt(2 ** 31),
    partitions: PARTITIONS,
    historyFromMs: nowMs - HISTORY_MS,
    nowMs,
  })
  talk.say(`Tidemark demo: ${options.rate} impressions/s of simulated traffic, some of it hostile.`)
  if (source.historyRate < options.rate)
    talk.say(`  (the two hours before now at ${Math.round(source.historyRate)}/s, so that the start stays quick)`)
  const service = await startLiveService(
    {
      plan,
      source,
      host: options.host,
      port: options.port,
      dataDir: options.dataDir,
      databaseUrl: options.databaseUrl,
      epochMs: options.epoch ?? 1_000,
      replace: options.replace ?? false,
      onStep: (step, elapsedMs) =>
        talk.say(`  ${talk.paint('32', '✓')} ${step} ${talk.paint('2', seconds(elapsedMs))}`),
      log: createLog(options),
    },
    signal,
  )
  announce(service, plan, options, talk)
  await service.run()
  talk.say('Stopped. Everything counted is in PostgreSQL; the next demo starts with empty tables.')
  talk.next('./tidemark generate --events 200000 --partitions 4 --out log')
}

function announce(service: LiveService, plan: Plan, options: DemoOptions, talk: Talk): void {
  const { server, database } = service
  if (options.json === true) {
    const { url } = server
    const banner = {
      ready: true,
      url,
      adminUrl: url,
      databaseUrl: database.url,
      dataDir: options.dataDir,
      pid: process.pid,
    }
    process.stdout.write(`${JSON.stringify(banner)}\n`)
    return
  }
  const [firstTable] = plan.tables
  talk.say('')
  talk.say(`  Page      ${talk.paint('1', server.url)}`)
  talk.say(`  Database  ${psqlCommand(database.url)}`)
  talk.say(`  Try       select * from ${firstTable?.name ?? plan.ledger.name} order by window_start desc limit 10;`)
  talk.say(`  Data      ${options.databaseUrl === undefined ? options.dataDir : 'in the database given'}`)
  talk.say('  Stop      Ctrl-C')
  talk.say('')
}

function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1_000).toFixed(2)} s`
}
