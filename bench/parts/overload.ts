/**
 * Ten times as much as can be taken, for minutes, with less memory than that needs: the process stays within what it was
 * given, and nothing that was acknowledged is lost. Windows are short, so that what is remembered is forgotten, and memory
 * used anew, again and again.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import type { BenchContext, BenchPart } from '../harness/part.ts'
import { Service, serviceCommand, type ServiceOptions } from '../harness/service.ts'
import type { HttpLoadResult } from '../programs/http-load.ts'

const LOAD = join(ROOT, 'bench', 'programs', 'http-load.ts')
const MIB = 1_048_576
const TIMES = 10
const MEMORY = '2GiB'
const MEMORY_MIB = 2_048
const DEFINITION = join('bench', 'short-windows.json')
/** Together they have more on their way than the ingest may hold. */
const CONNECTIONS = 1_600
const run = promisify(execFile)

interface Overload {
  readonly offered: HttpLoadResult
  readonly calmBytes: number
  readonly peakBytes: number
  /** Share of the time in which intake waited for memory. */
  readonly fullShare: number
  readonly lostEvents: number
  readonly differingEvents: number
  readonly lateEvents: number
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
  const service = await Service.start(serviceOf(dataDir))
  try {
    say('as much as can be taken')
    const calm = await send(service.url, ['--connections', '8', '--seconds', '10'])
    await service.settled(calm.acknowledgedEvents)
    const calmBytes = await residentBytes(service.pid)
    say(`${TIMES} times that, for ${minutes} minutes`)
    const rate = String(Math.round(calm.eventsPerSecond * TIMES))
    const size = ['--connections', String(CONNECTIONS), '--seconds', String(minutes * 60)]
    const watched = watchUntil(service, send(service.url, [...size, '--rate', rate]))
    const { value: offered, peakBytes, fullShare } = await watched
    const sent = calm.acknowledgedEvents + offered.acknowledgedEvents
    const { eventsRead, ledgerDifference, lateEvents } = await service.settled(sent)
    const lostEvents = Math.max(0, sent - eventsRead)
    return { offered, calmBytes, peakBytes, fullShare, lostEvents, differingEvents: ledgerDifference, lateEvents }
  } finally {
    await service.stop()
  }
}

async function send(url: string, args: readonly string[]): Promise<HttpLoadResult> {
  return JSON.parse((await measureNode([LOAD, '--url', url, ...args])).stdout) as HttpLoadResult
}

function serviceOf(dataDir: string): ServiceOptions {
  return { dataDir, memory: MEMORY, definition: DEFINITION }
}

interface Watched<T> {
  readonly value: T
  readonly peakBytes: number
  readonly fullShare: number
}

async function watchUntil<T>(service: Service, work: Promise<T>): Promise<Watched<T>> {
  let isDone = false
  const watched = work.finally(() => (isDone = true))
  let [peakBytes, looks, full] = [0, 0, 0]
  for (; !isDone; await delay(200)) {
    peakBytes = Math.max(peakBytes, await residentBytes(service.pid))
    if (looks++ % 5 === 0 && (await service.usage()).isMemoryFull) full += 5
  }
  return { value: await watched, peakBytes, fullShare: full / Math.max(1, looks) }
}

/** Asked of the system, not of the process, which has enough to do. */
async function residentBytes(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) * 1_024
}

function figures({ minutes }: BenchContext, found: Overload): readonly Figure[] {
  const { offered, calmBytes, peakBytes, fullShare, lostEvents, differingEvents, lateEvents } = found
  const load = commandText([LOAD, '--connections', String(CONNECTIONS), '--rate', 'RATE'])
  const command = `${serviceCommand(serviceOf(''))}\n${load}`
  const taken = offered.statuses['200'] ?? 0
  const refused = offered.statuses['503'] ?? 0
  const others = Object.entries(offered.statuses).filter(([status]) => status !== '200' && status !== '503')
  const otherCount = others.reduce((sum, [, count]) => sum + count, 0)
  return [
    { name: 'planned', values: [minutes], unit: 'minutes', command },
    { name: 'requests taken', values: [taken], unit: '', note: 'batches of 1,000', command },
    { name: 'requests refused with 503', values: [refused], unit: '', note: 'of these minutes', command },
    {
      name: 'requests with another answer, or none',
      values: [otherCount],
      unit: '',
      note: others.map(([status, count]) => `${status}: ${count}`).join(', '),
      command,
    },
    { name: 'intake waited for memory', values: [fullShare * 100], unit: '% of the time', command },
    { name: 'memory before, after as much as can be taken', values: [calmBytes / MIB], unit: 'MB', command },
    {
      name: 'memory at most',
      values: [peakBytes / MIB],
      unit: 'MB',
      target: { atMost: MEMORY_MIB * 1.1 },
      note: `--memory ${MEMORY}, which is ${MEMORY_MIB.toLocaleString('en-US')}, and 10 %; of the process, as the system sees it`,
      command,
    },
    { name: 'acknowledged, and not counted', values: [lostEvents], unit: 'events', target: { atMost: 0 }, command },
    { name: 'in no class, or in two', values: [differingEvents], unit: 'events', target: { atMost: 0 }, command },
    { name: 'late', values: [lateEvents], unit: 'events', note: 'sent again too long after they happened', command },
  ]
}
