/**
 * Events over HTTP, each on disk before it is answered: the way in alone, and all of `./tidemark run`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure, Target } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { OtherUse } from '../harness/other-use.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import { Service, serviceCommand } from '../harness/service.ts'
import { bareCommand, WayIn, wayInCommand } from '../harness/way-in.ts'
import type { BareDiskResult } from '../programs/bare-disk.ts'
import type { HttpLoadResult } from '../programs/http-load.ts'

const LOAD = join(ROOT, 'bench', 'programs', 'http-load.ts')
const BARE_DISK = join(ROOT, 'bench', 'programs', 'bare-disk.ts')
export const BATCHES = ['--batch', '1000', '--connections', '8'] as const
export const SINGLES = ['--batch', '1', '--connections', '64'] as const

/** What a load did, and what the server spent on it. */
export interface Served {
  readonly load: HttpLoadResult
  readonly eventsPerCpuSecond: number
}

/** A load at a given pace, and what the disk alone makes of its bytes at that pace, right after it, in the same folder. */
interface Paced {
  readonly load: HttpLoadResult
  readonly disk: BareDiskResult
  /** What others used of all processors meanwhile. */
  readonly othersShare: number
}

interface ServiceRun {
  readonly batches: Served
  readonly singles: Served
  readonly halfBatches: Paced
  readonly halfSingles: Paced
  /** Acknowledged, and not among the events that were read. */
  readonly lostEvents: number
}

export const ingestPart: BenchPart = {
  name: 'ingest',
  title: 'Events over HTTP',
  async measure(context) {
    const wayIn = await repeated(context, 'the way in alone', () => inFolder(context, measureWayIn))
    const service = await repeated(context, 'all of a run', () => inFolder(context, measureService))
    return { figures: [...wayInFigures(wayIn), ...serviceFigures(service)] }
  },
}

type Measure<T> = (dataDir: string, seconds: number) => Promise<T>

async function inFolder<T>({ dir, events }: BenchContext, measure: Measure<T>): Promise<T> {
  const folder = await mkdtemp(`${dir}-ingest-`)
  try {
    return await measure(folder, Math.min(10, events / 100_000))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface WayInRun {
  readonly batches: Served
  readonly singles: Served
  /** The same singles to a server that only answers. */
  readonly bareSingles: Served
}

async function measureWayIn(dataDir: string, seconds: number): Promise<WayInRun> {
  const [wayIn, bare] = [await WayIn.start(dataDir), await WayIn.startBare()]
  try {
    const batches = await served(wayIn, BATCHES, seconds)
    const singles = await served(wayIn, SINGLES, seconds)
    return { batches, singles, bareSingles: await served(bare, SINGLES, seconds) }
  } finally {
    await Promise.all([wayIn.stop(), bare.stop()])
  }
}

/** Sends a kind of load to a server that takes events in. */
export async function served(to: WayIn, kind: readonly string[], seconds: number): Promise<Served> {
  const before = await to.cpuMs()
  const load = await send(to.url, kind, seconds)
  return { load, eventsPerCpuSecond: load.acknowledgedEvents / (((await to.cpuMs()) - before) / 1_000) }
}

async function measureService(dataDir: string, seconds: number): Promise<ServiceRun> {
  const service = await Service.start({ dataDir })
  try {
    let sent = 0
    const run = async (kind: readonly string[], rate?: number): Promise<Served> => {
      const before = await service.usage()
      const load = await send(service.url, kind, seconds, rate)
      sent += load.acknowledgedEvents
      const after = await service.settled(sent)
      const events = after.eventsRead - before.eventsRead
      return { load, eventsPerCpuSecond: events / ((after.cpuMs - before.cpuMs) / 1_000) }
    }
    await send(service.url, SINGLES, 1).then((load) => (sent += load.acknowledgedEvents))
    const batches = await run(BATCHES)
    const paced = async (kind: readonly string[], most: Served): Promise<Paced> => {
      const others = new OtherUse()
      const { load } = await run(kind, most.load.eventsPerSecond / 2)
      const othersShare = others.share()
      return { load, disk: await appendBare(dataDir, load, seconds), othersShare }
    }
    const halfBatches = await paced(BATCHES, batches)
    const singles = await run(SINGLES)
    const halfSingles = await paced(SINGLES, singles)
    const lostEvents = Math.max(0, sent - (await service.usage()).eventsRead)
    return { batches, singles, halfBatches, halfSingles, lostEvents }
  } finally {
    await service.stop()
  }
}

async function send(url: string, kind: readonly string[], seconds: number, rate?: number): Promise<HttpLoadResult> {
  const pace = rate === undefined ? [] : ['--rate', String(Math.round(rate))]
  const args = [
    LOAD,
    '--url',
    url,
    ...kind,
    '--seconds',
    String(seconds),
    '--warm-up',
    String(Math.min(2, seconds)),
    ...pace,
  ]
  const load = JSON.parse((await measureNode(args)).stdout) as HttpLoadResult
  const others = Object.keys(load.statuses).filter((status) => status !== '200' && status !== 'closed')
  if (others.length > 0) throw new Error(`${commandText(args)}\nwas answered with ${JSON.stringify(load.statuses)}`)
  return load
}

/** The same bytes at the same pace, appended to a file and synced by a program that does nothing else. */
async function appendBare(dataDir: string, load: HttpLoadResult, seconds: number): Promise<BareDiskResult> {
  const [bytes, rate] = [load.bytesPerSecond / load.requestsPerSecond, load.requestsPerSecond]
  const size = ['--bytes', String(Math.round(bytes)), '--rate', String(Math.round(rate)), '--seconds', String(seconds)]
  return JSON.parse((await measureNode([BARE_DISK, dataDir, ...size])).stdout) as BareDiskResult
}

export const SENDING: string = commandText([LOAD, '--url', 'URL', ...BATCHES])
const BATCHES_PER_CORE = { atLeast: 600_000 } as const
const SINGLES_PER_SECOND = { atLeast: 15_000 } as const
const ACKNOWLEDGEMENT = { atMost: 25 } as const

function wayInFigures(runs: readonly WayInRun[]): readonly Figure[] {
  const command = `${wayInCommand()}\n${SENDING}`
  const [batches, singles] = [runs.map((run) => run.batches), runs.map((run) => run.singles)]
  const bare = { command: `${bareCommand()}\n${commandText([LOAD, '--url', 'URL', ...SINGLES])}` }
  const perCore = (run: WayInRun): number => run.bareSingles.eventsPerCpuSecond
  return [
    ...pairs('the way in alone', batches, singles, command),
    {
      name: 'a server that only answers: one each, by processor time',
      values: runs.map(perCore),
      unit: 'requests/CPU-s',
      ...bare,
    },
    {
      name: 'the way in alone: one event each, processor time to that',
      values: runs.map((run) => perCore(run) / run.singles.eventsPerCpuSecond),
      unit: 'times',
      ...bare,
    },
  ]
}

function serviceFigures(runs: readonly ServiceRun[]): readonly Figure[] {
  const command = serviceCommand({ dataDir: '' })
  const latency = (name: string, pick: (run: ServiceRun) => Paced): readonly Figure[] => {
    const [first] = runs
    const rate = first === undefined ? 0 : Math.round(pick(first).load.requestsPerSecond)
    const late = Math.max(...runs.map((run) => pick(run).load.ownLateness.p99Ms)).toFixed(1)
    const others = runs.map((run) => `${Math.round(pick(run).othersShare * 100)} %`).join(', ')
    const note = `${rate.toLocaleString('en-US')} requests/s; from the planned time; the load late by ${late} ms by itself; others used ${others} of the machine`
    const values = runs.map((run) => pick(run).load.latencyMs.p99)
    const bare = runs.map((run) => pick(run).disk.latencyMs.p99)
    const bareCommand = commandText([BARE_DISK, 'DIR', '--bytes', 'BYTES', '--rate', 'RATE'])
    return [
      { name, values, unit: 'ms', target: ACKNOWLEDGEMENT, note, command },
      {
        name: 'the same bytes to the bare disk',
        values: bare,
        unit: 'ms',
        note: 'append and sync',
        command: bareCommand,
      },
    ]
  }
  return [
    ...pairs(
      'all of a run',
      runs.map(({ batches }) => batches),
      runs.map(({ singles }) => singles),
      command,
    ),
    ...latency('batches at half of that, 99 of 100 within', (run) => run.halfBatches),
    ...latency('one event each at half of that, 99 of 100 within', (run) => run.halfSingles),
    {
      name: 'acknowledged, and not counted',
      values: runs.map(({ lostEvents }) => lostEvents),
      unit: 'events',
      target: { atMost: 0 },
      command,
    },
  ]
}

function pairs(what: string, batches: readonly Served[], singles: readonly Served[], command: string): Figure[] {
  const wall = (name: string, runs: readonly Served[], unit: string, target?: Target): Figure => {
    const values = runs.map(({ load }) => load.eventsPerSecond)
    return { name, values, unit, command, ...(target === undefined ? {} : { target }) }
  }
  const perCore = (name: string, runs: readonly Served[], unit: string, target?: Target): Figure => {
    const values = runs.map(({ eventsPerCpuSecond }) => eventsPerCpuSecond)
    return { name, values, unit, command, ...(target === undefined ? {} : { target }) }
  }
  return [
    perCore(`${what}: batches of 1,000, by processor time`, batches, 'events/CPU-s', BATCHES_PER_CORE),
    wall(`${what}: batches of 1,000 from 8 connections`, batches, 'events/s'),
    wall(`${what}: one event each from 64 connections`, singles, 'requests/s', SINGLES_PER_SECOND),
    perCore(`${what}: one event each, by processor time`, singles, 'requests/CPU-s'),
  ]
}
