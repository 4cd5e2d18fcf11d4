/**
 * What `run` and `demo` have in common: their options, the checklist of a start, the banner.
 */
import type { Command } from 'commander'
import { checkDatabaseUrl } from '../database/database-url.ts'
import { psqlCommand } from '../database/open-database.ts'
import type { Plan } from '../pipeline/plan.ts'
import { MIN_MEMORY_BYTES } from '../runtime/machine-memory.ts'
import { listKeys } from '../server/keys/key-store.ts'
import { growHeapInLargeSteps } from '../service/heap-growth.ts'
import { startLiveService, type LiveService, type LiveServiceOptions } from '../service/live-service.ts'
import { DAY_MS, MINUTE_MS } from '../time/units.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { addIngestOptions, givenLimits, type IngestOptions } from './ingest-options.ts'
import { serviceSignal } from './interrupt.ts'
import { createLog } from './log.ts'
import { byteCount, byteCountFrom, durationBetween, durationMs, origins, port, publicUrl } from './option-values.ts'
import { addPlanOptions, type PlanOptions } from './plan-options.ts'
import { createTalk, tellFirstAdmin, type Talk } from './talk.ts'
import { verifyLine } from './verify-line.ts'

export interface LiveOptions extends PlanOptions, CommonOptions, IngestOptions {
  readonly host: string
  readonly port?: number
  readonly adminPort?: number
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly epoch?: number
  readonly keepFor?: number
  readonly keepBytes?: number
  readonly memory?: number
  readonly publicUrl?: URL
  readonly frameAncestor?: readonly string[]
  readonly replace?: boolean
}

/** Adds the options that both commands have. */
export function addLiveOptions(command: Command): Command {
  command
    .argument('[definition]', 'a definition in TypeScript, JavaScript or JSON (default: the ad pipeline)')
    .option('--host <address>', 'address to serve the page on', '127.0.0.1')
    .option('--port <port>', 'port of the page; 0 picks a free one (4400, or the next free one)', port)
    .option('--admin-port <port>', 'port of health and metrics, on 127.0.0.1 (4401, or the next free one)', port)
    .option('--data-dir <dir>', 'where events, checkpoints and our own PostgreSQL are kept', DEFAULT_DATA_DIR)
    .option('--database-url <url>', 'use this PostgreSQL database instead of our own server')
    .option('--epoch <duration>', 'how often results are written, 100ms to 1m (1s)', durationBetween(100, MINUTE_MS))
    .option('--keep-for <duration>', 'how long raw events are kept (24h)', durationMs)
    .option('--keep-bytes <bytes>', 'how much of them at most, as 20GB', byteCount)
    .option(
      '--memory <bytes>',
      "what the process may use, as 4GiB; when it is full, intake waits (60 % of the machine's)",
      byteCountFrom(MIN_MEMORY_BYTES),
    )
    .option('--public-url <url>', 'what a proxy with https calls this server, as https://ads.example', publicUrl)
    .option('--frame-ancestor <origin>', 'whose pages may frame ours; may be repeated', origins)
    .option('--replace', 'throw away what the data folder and the tables hold')
    .option('--no-open', 'do not open a browser (it is never opened; accepted for scripts)')
  return addPlanOptions(addIngestOptions(command))
}

/** What a command decides. */
export type LiveChoice = Pick<LiveServiceOptions, 'writer' | 'traffic'> & {
  /** Bytes of raw events kept unless told otherwise. */
  readonly keepBytes: number
}

/** Starts the service, announces it and runs it until it is told to end. */
export async function runLive(plan: Plan, options: LiveOptions, choice: LiveChoice, talk: Talk): Promise<void> {
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl)
  growHeapInLargeSteps()
  const service = await startLiveService(
    {
      ...choice,
      plan,
      host: options.host,
      port: options.port,
      adminPort: options.adminPort,
      dataDir: options.dataDir,
      databaseUrl: options.databaseUrl,
      epochMs: options.epoch ?? 1_000,
      retention: { maxAgeMs: options.keepFor ?? DAY_MS, maxBytes: options.keepBytes ?? choice.keepBytes },
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      frameAncestors: options.frameAncestor ?? [],
      onFirstAdmin: tellFirstAdmin,
      memoryBytes: options.memory,
      limits: givenLimits(options),
      redirectHosts: options.redirectHost ?? [],
      replace: options.replace ?? false,
      onStep: (step, elapsedMs) =>
        talk.say(`  ${talk.paint('32', '✓')} ${step} ${talk.paint('2', `${(elapsedMs / 1_000).toFixed(2)} s`)}`),
      log: await createLog(options),
    },
    serviceSignal(),
  )
  announce(service, plan, options, choice, talk)
  await service.run()
}

/** Talk of a live command. */
export const liveTalk: (options: LiveOptions) => Talk = createTalk

function announce(service: LiveService, plan: Plan, options: LiveOptions, choice: LiveChoice, talk: Talk): void {
  const { server, admin, database, memoryBytes } = service
  if (options.json === true) {
    const banner = {
      ready: true,
      url: server.url,
      adminUrl: admin.url,
      databaseUrl: database.url,
      dataDir: options.dataDir,
      memoryBytes,
      pid: process.pid,
    }
    process.stdout.write(`${JSON.stringify(banner)}\n`)
    return
  }
  const [firstTable] = plan.tables
  talk.say('')
  talk.say(`  Page      ${talk.paint('1', pageUrl(server.url, options))}`)
  if (plan.sources.some(({ kind }) => kind === 'http'))
    talk.say(`  Send      ${curlLine(server.url, plan, listKeys(options.dataDir).length > 0)}`)
  talk.say(`  Database  ${psqlCommand(database.url)}`)
  talk.say(`  Try       select * from ${firstTable?.name ?? plan.ledger.name} order by window_start desc limit 10;`)
  talk.say(`  Metrics   ${admin.url}/metrics`)
  talk.say(`  Memory    ${(memoryBytes / 1e9).toFixed(1)} GB at most (--memory)`)
  talk.say(`  Data      ${options.dataDir}`)
  talk.say(`  Check     ${verifyLine(options)}`)
  talk.say(`  Stop      Ctrl-C${choice.writer === 'run' ? ' or SIGTERM' : ''}; the next start goes on from there`)
  talk.say('')
}

/** What people open. */
const pageUrl = (url: string, { publicUrl: behindProxy }: LiveOptions): string => behindProxy?.origin ?? url

/** A line that sends one event when it is pasted into a shell; where there are keys, with that of `KEY`. */
function curlLine(url: string, plan: Plan, hasKeys: boolean): string {
  const { idField, eventTimeField } = plan.streams.impressions
  const [dimension] = plan.dimensions
  const event = `{"${idField}":"i-'$RANDOM$RANDOM'",${dimension === undefined ? '' : `"${dimension.field}":"spring",`}"${eventTimeField}":'$(date +%s)'000}`
  const key = hasKeys ? `-H "Authorization: Bearer $KEY" ` : ''
  return `curl ${url}/v1/impressions ${key}-H 'Content-Type: application/json' -d '${event}'`
}
