/**
 * From the end of a killed process to the first new epoch in PostgreSQL: fills `./tidemark run` until so many ids are live,
 * kills it under load, starts it again at once, and looks when the tables move on. As JSON on stdout.
 *
 * Usage: node restart.ts DIR LIVE own|other   (whose PostgreSQL: one the process starts itself, or one that stays up)
 */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { withConnection } from '../../src/database/connection.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { Service } from '../harness/service.ts'
import type { HttpLoadResult } from './http-load.ts'

/** What was measured. */
export interface Restart {
  readonly liveEvents: number
  /** From the signal to the end of the process; memory of a large one takes its time. */
  readonly killMs: number
  /** From the signal until the service says that it takes events. */
  readonly readyMs: number
  /** From the signal until PostgreSQL has an epoch that it did not have. */
  readonly firstCommitMs: number
  /** From the start of the new process to that. */
  readonly fromStartMs: number
}

const LOAD = join(import.meta.dirname, 'http-load.ts')
const UNDER_LOAD = ['--rate', '20000', '--connections', '4', '--seconds', '20', '--warm-up', '0'] as const
const [dir = '', liveText = '', whose = 'other'] = process.argv.slice(2)
const live = Number(liveText)

async function load(url: string, args: readonly string[]): Promise<HttpLoadResult> {
  const child = spawn(process.execPath, [LOAD, '--url', url, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await text(child.stdout)) as HttpLoadResult
}

async function epochIn(databaseUrl: string): Promise<number> {
  const sql = `select epoch::float8 as epoch from tidemark_meta`
  const connection = { url: databaseUrl, applicationName: 'tidemark bench', connectTimeoutMs: 500, queryTimeoutMs: 500 }
  return withConnection(connection, async (client) => {
    const { rows } = await client.query<{ readonly epoch: number }>(sql)
    return rows[0]?.epoch ?? 0
  })
}

async function passes(databaseUrl: string, epoch: number): Promise<void> {
  for (let now = epoch; now <= epoch; await delay(3)) now = await epochIn(databaseUrl).catch(() => epoch)
}

async function measure(databaseUrl?: string): Promise<Restart> {
  const options = { dataDir: resolve(dir), ...(databaseUrl === undefined ? {} : { databaseUrl }) }
  const service = await Service.start(options)
  const events = ['--events', String(live), '--seconds', '600', '--warm-up', '0', '--connections', '8']
  await load(service.url, events)
  await service.settled(live)
  const before = await service.usage()
  const loading = load(service.url, UNDER_LOAD)
  while ((await service.usage()).epoch < before.epoch + 3) await delay(50)
  const epoch = await epochIn(service.databaseUrl)
  const killedMs = performance.now()
  await service.kill()
  const goneMs = performance.now()
  const committing = passes(service.databaseUrl, epoch).then(() => performance.now())
  const again = await Service.start(options)
  const readyMs = performance.now()
  const firstCommitMs = await committing
  await loading
  const liveEvents = (await again.usage()).eventsRead
  await again.stop()
  return {
    liveEvents,
    killMs: goneMs - killedMs,
    readyMs: readyMs - killedMs,
    firstCommitMs: firstCommitMs - killedMs,
    fromStartMs: firstCommitMs - goneMs,
  }
}

const database = whose === 'own' ? undefined : await openDatabase({ dataDir: join(resolve(dir), 'database') })
try {
  console.log(JSON.stringify(await measure(database?.url)))
} finally {
  await database?.stop()
}
