/**
 * How many changed cells a second PostgreSQL takes: fresh rows, changed rows, and a whole run.
 *
 * Usage: node bench/postgres-sink.ts [CELLS]   (200000 unless given; of the table `performance`, on our own server)
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/database/open-database.ts'
import { adPipeline } from '../src/pipeline/ad-pipeline.ts'
import type { CellChanges } from '../src/pipeline/cells.ts'
import { freezePlan } from '../src/pipeline/freeze.ts'
import type { Epoch } from '../src/runtime/ports.ts'
import { EpochStore } from '../src/sinks/postgres/epoch-store.ts'
import { PostgresSink } from '../src/sinks/postgres/postgres-sink.ts'
import { MINUTE_MS } from '../src/time/units.ts'

const CELLS_PER_MINUTE = 4_000
const EPOCHS = 10

const plan = freezePlan(adPipeline)

/** Cells of `performance`: 1,000 campaigns × 4 devices a minute, as in the standard log. */
function makeCells(count: number, impressions: number, isFinal: boolean): CellChanges {
  const rows = Array.from({ length: count }, (_, row) => row)
  // Scattered, as they come from an engine: the sink sorts.
  const place = (row: number): number => (row * 7_919) % count
  return {
    rollUp: 'performance',
    count,
    windowStartMs: rows.map((row) => 1_767_225_600_000 + Math.floor(place(row) / CELLS_PER_MINUTE) * MINUTE_MS),
    dimensions: [
      rows.map((row) => `campaign-${Math.floor((place(row) % CELLS_PER_MINUTE) / 4)}`),
      rows.map((row) => ['mobile', 'desktop', 'tablet', 'tv'][place(row) % 4] ?? ''),
      rows.map(() => 'chrome'),
    ],
    impressions: rows.map((row) => impressions + (row % 50)),
    clicks: rows.map((row) => row % 7),
    sumsMicros: [rows.map((row) => BigInt(impressions + row) * 12_345n)],
    isFinal: rows.map(() => isFinal),
    removed: rows.map(() => false),
  }
}

function epochOf(number: number, cells: CellChanges): Epoch {
  const ledger = { count: 0, windowStartMs: [], stream: [], eventClass: [], events: [] }
  return { number, watermarkMs: 0, changes: { cells: [cells], ledger } }
}

async function measure(name: string, epochs: readonly Epoch[], write: (epoch: Epoch) => Promise<void>): Promise<void> {
  const cells = epochs.reduce((sum, epoch) => sum + (epoch.changes.cells[0]?.count ?? 0), 0)
  const startMs = performance.now()
  for (const epoch of epochs) await write(epoch)
  const elapsedMs = performance.now() - startMs
  console.log(`${name.padEnd(16)} ${Math.round((cells / elapsedMs) * 1_000).toLocaleString('en')} cells/s`)
}

async function main(): Promise<void> {
  const cells = Number(process.argv[2] ?? 200_000)
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const database = await openDatabase({ dataDir })
  try {
    const live = new EpochStore({ url: database.url, plan, writer: 'run', folderId: randomUUID() })
    const write = (epoch: Epoch): Promise<void> => live.write({ ...epoch, positions: {}, deadLetters: [] })
    await live.claim()
    await measure('fresh rows', [epochOf(1, makeCells(cells, 100, false))], write)
    await measure('changed rows', [epochOf(2, makeCells(cells, 200, false))], write)
    await measure('unchanged rows', [epochOf(3, makeCells(cells, 200, false))], write)
    const small = Array.from({ length: EPOCHS }, (_, i) => epochOf(4 + i, makeCells(cells / EPOCHS, 300 + i, false)))
    await measure(`${EPOCHS} small epochs`, small, write)
    await live.close()
    const whole = new PostgresSink({ url: database.url, plan, writer: 'replay', replace: true })
    await measure('whole run', [epochOf(1, makeCells(cells, 400, true))], async (epoch) => {
      await whole.open()
      await whole.write(epoch)
      await whole.commit()
    })
    await whole.close()
  } finally {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

await main()
