/**
 * The journal alone on a real disk: appends in blocks and one by one, and reading back. Tells what that took, as JSON.
 *
 * Usage: node journal.ts DIR EVENTS
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { crc32c } from '../../src/checkpoint/format/crc32c.ts'
import { Journal } from '../../src/checkpoint/journal/journal.ts'

/** What was measured. */
export interface JournalSpeed {
  /** Lines a second, in blocks of 1,000 from 8 appenders to 2 partitions. */
  readonly blockLinesPerSecond: number
  readonly blockP99Ms: number
  /** Processor time of this process for a line, ns. */
  readonly blockCpuNs: number
  /** Appends of one line a second, from 64 appenders to 2 partitions. */
  readonly singlesPerSecond: number
  readonly singleP99Ms: number
  readonly singlesPerSync: number
  /** One write and one sync at a time, nothing else: the disk's own, ms. */
  readonly bareSyncMs: number
  readonly readMbPerSecond: number
  readonly openMs: number
  readonly crcMbPerSecond: number
}

const LINE_BYTES = 200
const BLOCK_LINES = 1_000
const [base = '.', eventsText = '1000000'] = process.argv.slice(2)
const events = Number(eventsText)
mkdirSync(base, { recursive: true })
const dir = mkdtempSync(join(resolve(base), 'journal-'))

function linesOf(count: number): Uint8Array {
  return Buffer.from(`{"id":"${'x'.repeat(LINE_BYTES - 10)}"}\n`.repeat(count))
}

interface Appends {
  readonly perSecond: number
  readonly p99Ms: number
  readonly cpuMs: number
}

/** `appenders` at a time, each waiting for its answer before the next append; latencies in ms. */
async function run(journal: Journal, appenders: number, appends: number, lines: Uint8Array): Promise<Appends> {
  const recordCount = lines.length / LINE_BYTES
  const latencies: number[] = []
  let left = appends
  const appender = async (partition: string): Promise<void> => {
    while (left-- > 0) {
      const sentMs = performance.now()
      await journal.append(partition, lines, { recordCount, arrivalMs: Date.now(), floorMs: -Infinity })
      latencies.push(performance.now() - sentMs)
    }
  }
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  await Promise.all(Array.from({ length: appenders }, (_, i) => appender(`bench/${i % 2}`)))
  const seconds = (performance.now() - startMs) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((a, b) => a - b)
  const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? NaN
  return { perSecond: latencies.length / seconds, p99Ms, cpuMs: (user + system) / 1_000 }
}

let syncs = 0

function open(name: string): Promise<Journal> {
  const disk: typeof nodeDisk = {
    ...nodeDisk,
    open(path, mode) {
      const file = nodeDisk.open(path, mode)
      const sync = file.sync.bind(file)
      file.sync = () => (syncs++, sync())
      return file
    },
  }
  return Journal.open({ dir: join(dir, name), disk, nowMs: Date.now })
}

async function bareSync(): Promise<number> {
  const file = nodeDisk.open(join(dir, 'bare'), 'create')
  const bytes = linesOf(1)
  const startMs = performance.now()
  for (let i = 0; i < 300; i++) {
    await file.write([bytes], i * bytes.length)
    await file.sync()
  }
  file.close()
  return (performance.now() - startMs) / 300
}

function readBack(journal: Journal): number {
  const startMs = performance.now()
  let bytes = 0
  for (const partition of journal.partitions) {
    const reader = journal.reader(partition, 0)
    for (let block = reader.next(); block !== undefined; block = reader.next()) bytes += block.lines.length
    reader.close()
  }
  return bytes / 1e3 / (performance.now() - startMs)
}

function crcSpeed(): number {
  const bytes = linesOf(BLOCK_LINES)
  for (let i = 0; i < 200; i++) crc32c(bytes)
  const startMs = performance.now()
  for (let i = 0; i < 2_000; i++) crc32c(bytes)
  return (2_000 * bytes.length) / 1e3 / (performance.now() - startMs)
}

try {
  const crcMbPerSecond = crcSpeed()
  const bareSyncMs = await bareSync()
  const inBlocks = await open('blocks')
  await run(inBlocks, 8, 100, linesOf(BLOCK_LINES))
  const blocks = await run(inBlocks, 8, Math.ceil(events / BLOCK_LINES), linesOf(BLOCK_LINES))
  await inBlocks.close()
  const startMs = performance.now()
  const reopened = await open('blocks')
  const openMs = performance.now() - startMs
  const readMbPerSecond = readBack(reopened)
  const oneByOne = await open('singles')
  await run(oneByOne, 64, 5_000, linesOf(1))
  syncs = 0
  const count = Math.ceil(events / 10)
  const singles = await run(oneByOne, 64, count, linesOf(1))
  await oneByOne.close()
  const speed: JournalSpeed = {
    blockLinesPerSecond: blocks.perSecond * BLOCK_LINES,
    blockP99Ms: blocks.p99Ms,
    blockCpuNs: (blocks.cpuMs * 1e6) / events,
    singlesPerSecond: singles.perSecond,
    singleP99Ms: singles.p99Ms,
    singlesPerSync: count / syncs,
    bareSyncMs,
    readMbPerSecond,
    openMs,
    crcMbPerSecond,
  }
  console.log(JSON.stringify(speed))
} finally {
  rmSync(dir, { recursive: true, force: true })
}
