/**
 * Ten times as much as can be taken, for minutes: memory stays within what the limits allow, and nothing that was
 * acknowledged is lost.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { DEFAULT_INGEST_LIMITS } from '../../src/server/ingest/limits.ts'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import type { BenchContext, BenchPart } from '../harness/part.ts'
import { Service, serviceCommand } from '../harness/service.ts'
import type { HttpLoadResult } from '../programs/http-load.ts'

const LOAD = join(ROOT, 'bench', 'programs', 'http-load.ts')
const MIB = 1_048_576
const TIMES = 10
/** Together they have more on their way than the ingest may hold. */
const CONNECTIONS = 1_600
const run = promisify(execFile)

interface Overload {
  readonly offered: HttpLoadResult
  readonly calmBytes: number
  readonly peakBytes: number
  readonly lostEvents: number
}

export const overloadPart: BenchPart = {
  name: 'overload',
  title: `${TIMES} times as much as can be taken`,
  async measure(context) {
    const folder = await mkdtemp(`${context.dir}-overload-`)
    try {
      return { figures: figures(context, await measure(folder, context)) }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function measure(dataDir: string, { minutes, say }: BenchContext): Promise<Overload> {
  const service = await Service.start({ dataDir })
  try {
    say('as much as can be taken')
    const calm = await send(service.url, ['--connections', '8', '--seconds', '10'])
    await service.settled(calm.acknowledgedEvents)
    const calmBytes = await residentBytes(service.pid)
    say(`${TIMES} times that, for ${minutes} minutes`)
    const rate = String(Math.round(calm.eventsPerSecond * TIMES))
    const size = ['--connections', String(CONNECTIONS), '--seconds', String(minutes * 60)]
    const peak = peakUntil(service.pid, send(service.url, [...size, '--rate', rate]))
    const { value: offered, peakBytes } = await peak
    const sent = calm.acknowledgedEvents + offered.acknowledgedEvents
    const { eventsRead } = await service.settled(sent)
    return { offered, calmBytes, peakBytes, lostEvents: Math.max(0, sent - eventsRead) }
  } finally {
    await service.stop()
  }
}

async function send(url: string, args: readonly string[]): Promise<HttpLoadResult> {
  return JSON.parse((await measureNode([LOAD, '--url', url, ...args])).stdout) as HttpLoadResult
}

async function peakUntil<T>(pid: number, work: Promise<T>): Promise<{ readonly value: T; readonly peakBytes: number }> {
  let isDone = false
  const watched = work.finally(() => (isDone = true))
  let peakBytes = 0
  for (; !isDone; await delay(200)) peakBytes = Math.max(peakBytes, await residentBytes(pid))
  return { value: await watched, peakBytes }
}

/** Asked of the system, not of the process, which has enough to do. */
async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) * 1_024
}

function figures({ minutes }: BenchContext, found: Overload): readonly Figure[] {
  const { offered, calmBytes, peakBytes, lostEvents } = found
  const command = `${serviceCommand({ dataDir: '' })}\n${commandText([LOAD, '--connections', String(CONNECTIONS), '--rate', 'RATE'])}`
  const taken = offered.statuses['200'] ?? 0
  const refused = offered.statuses['503'] ?? 0
  const mayHold = DEFAULT_INGEST_LIMITS.maxBytesInFlight / MIB
  return [
    { name: 'planned', values: [minutes], unit: 'minutes', command },
    { name: 'requests taken', values: [taken], unit: '', note: 'batches of 1,000', command },
    { name: 'requests refused with 503', values: [refused], unit: '', command },
    { name: 'memory before, after as much as can be taken', values: [calmBytes / MIB], unit: 'MB', command },
    {
      name: 'most memory above that',
      values: [(peakBytes - calmBytes) / MIB],
      unit: 'MB',
      target: { atMost: mayHold * 1.1 },
      note: `requests may hold ${mayHold} MB; cells and live ids of these minutes included`,
      command,
    },
    { name: 'acknowledged, and not counted', values: [lostEvents], unit: 'events', target: { atMost: 0 }, command },
  ]
}
