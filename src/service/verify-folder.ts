/**
 * The recount of a live system: the raw events that its journal and its topics retain, up to the epoch that PostgreSQL
 * holds, against the tables of that very epoch, while it runs or after it ended.
 *
 * Q1  Tables and epoch are read from one snapshot of the database, journal and topics up to its positions: a running
 *     instance changes nothing of either.
 * Q2  Where retention has removed the oldest events, windows that they could have changed are left out, and it says so.
 */
import { resolve } from 'node:path'
import { nodeDisk } from '../checkpoint/disk/node-disk.ts'
import { findRetained, readRetained, type RetainedPartition } from '../checkpoint/journal/retained.ts'
import type { EpochRow } from '../database/epoch-row.ts'
import { readTables, type StoredTables } from '../database/read-tables.ts'
import { TidemarkError } from '../errors.ts'
import { planChanges } from '../pipeline/plan-changes.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { finalAfterMs, type Plan } from '../pipeline/plan.ts'
import { allTables, textColumns, type TextRow, type TextTables } from '../pipeline/table-text.ts'
import { linesOf } from '../text/lines.ts'
import { compareTables, type Comparison, type FoundTable } from '../verify/compare.ts'
import { decodeUtf8 } from '../verify/readers/decode-utf8.ts'
import { withSpillFolder } from '../verify/readers/spill-folder.ts'
import type { Recount } from '../verify/recount.ts'
import { recountSpilled, type SpillBatch, type SpillOptions, type SpillPartition } from '../verify/spill.ts'
import { journalFolder } from './data-folder.ts'
import { streamOfPartition } from './live-partitions.ts'
import { topicPartitions } from './verify-topics.ts'

const MEMORY_BYTES = 512 * 1_048_576

export interface VerifyFolderOptions {
  readonly plan: Plan
  readonly dataDir: string
  /** The database that the folder's run writes to. */
  readonly url: string
  readonly onStep: NonNullable<SpillOptions['onStep']>
}

export interface VerifiedFolder {
  readonly epoch: number
  readonly recount: Recount
  readonly comparison: Comparison
  /** Windows that start before this were left out (Q2), ms; −Infinity where none was. */
  readonly fromMs: number
}

/**
 * Recounts a data folder and compares.
 *
 * @throws TidemarkError INPUT_MISSING where nothing was written yet, PLAN_CHANGED, JOURNAL_MISSING, JOURNAL_CORRUPT,
 *   DATABASE_UNAVAILABLE
 */
export async function verifyFolder(options: VerifyFolderOptions): Promise<VerifiedFolder> {
  const { plan, url } = options
  const stored = await readTables(url, plan, { withEpoch: true })
  try {
    const row = checkedEpoch(stored, options)
    const retained = findRetained(nodeDisk, journalFolder(resolve(options.dataDir)))
    const fromMs = Math.max(-Infinity, ...retained.map((partition) => leftOutBeforeMs(partition, plan)))
    const recount = await recountFolder(options, retained, row)
    const expected = onlyFrom(plan, recount.tables, fromMs)
    const comparison = await compareTables(plan, expected, foundFrom(plan, stored, fromMs))
    return { epoch: row.epoch, recount, comparison, fromMs }
  } finally {
    await stored.close()
  }
}

async function recountFolder(
  { plan, dataDir, onStep }: VerifyFolderOptions,
  retained: readonly RetainedPartition[],
  row: EpochRow,
): Promise<Recount> {
  const { watermarkMs, positions } = row
  const topics = await topicPartitions(plan, dataDir, positions)
  try {
    const partitions = [...retained.flatMap((partition) => spillPartition(partition, row) ?? []), ...topics.partitions]
    return await withSpillFolder((disk) =>
      recountSpilled(plan, partitions, { disk, decodeUtf8, memoryBytes: MEMORY_BYTES, watermarkMs, onStep }),
    )
  } finally {
    await topics.close()
  }
}

function checkedEpoch(stored: StoredTables, { plan, dataDir }: VerifyFolderOptions): EpochRow {
  const row = stored.epoch
  if (row === undefined || row.epoch === 0)
    throw new TidemarkError('INPUT_MISSING', `The database holds no epoch of pipeline "${plan.name}" yet.`, {
      where: dataDir,
      fix: './tidemark run, and wait for its first epoch',
    })
  if (row.planHash === planHash(plan)) return row
  const changes = planChanges(row.plan, plan).join('; ')
  const message = `The tables of pipeline "${plan.name}" were written by another definition: ${changes}.`
  throw new TidemarkError('PLAN_CHANGED', message, {
    where: dataDir,
    fix: 'verify with the definition and the parameters of the run',
  })
}

function spillPartition(partition: RetainedPartition, { positions }: EpochRow): SpillPartition | undefined {
  const stream = streamOfPartition(partition.name)
  const end = positions[partition.name]
  if (stream === undefined || end === undefined) return undefined
  return { stream, name: partition.name, batches: batchesOf(partition, end) }
}

async function* batchesOf(partition: RetainedPartition, end: number): AsyncGenerator<SpillBatch> {
  const reader = readRetained(nodeDisk, partition, partition.earliest, end)
  try {
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      const { arrivalMs, floorMs, lines } = block
      yield { arrivalMs, floorMs, lines: [...linesOf(lines)] }
    }
  } finally {
    reader.close()
  }
}

/** The end of what events that retention has removed could have changed (Q2). */
function leftOutBeforeMs(partition: RetainedPartition, plan: Plan): number {
  if (partition.earliest === 0) return -Infinity
  const [first] = partition.segments
  const { maxFutureSkewMs, windowSizeMs } = plan.parameters
  return (first?.firstArrivalMs ?? Infinity) + maxFutureSkewMs + finalAfterMs(plan.parameters) + windowSizeMs
}

function onlyFrom(plan: Plan, tables: TextTables, fromMs: number): TextTables {
  if (fromMs === -Infinity) return tables
  return new Map([...tables].map(([name, rows]) => [name, rows.filter(isFrom(plan, name, undefined, fromMs))]))
}

function foundFrom(plan: Plan, { tables }: StoredTables, fromMs: number): readonly FoundTable[] {
  if (fromMs === -Infinity) return tables
  return tables.map((table) => ({ ...table, rows: kept(table.rows, isFrom(plan, table.name, table.columns, fromMs)) }))
}

async function* kept(rows: AsyncIterable<TextRow>, isKept: (row: TextRow) => boolean): AsyncGenerator<TextRow> {
  for await (const row of rows) if (isKept(row)) yield row
}

function isFrom(
  plan: Plan,
  name: string,
  columns: readonly string[] | undefined,
  fromMs: number,
): (row: TextRow) => boolean {
  const table = allTables(plan).find((candidate) => candidate.name === name)
  const names = columns ?? (table === undefined ? [] : textColumns(table).map((column) => column.name))
  const index = names.indexOf('window_start')
  return (row) => Date.parse(row[index] ?? '') >= fromMs
}
