/**
 * Runs partitions through the embedded engine: as `replay` does, or step by step in any order a test wishes.
 */
import type { CarryPolicy, Snapshot } from '../../src/engine/snapshot/save.ts'
import { MAX_RECORD_BYTES } from '../../src/engine/decode/decoder.ts'
import { LineFramer } from '../../src/engine/decode/line-framer.ts'
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import type { Plan, StreamName } from '../../src/pipeline/plan.ts'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import { Pipeline, type PipelineOptions } from '../../src/runtime/pipeline.ts'
import type { ByteSource, DeadLetter } from '../../src/runtime/ports.ts'
import { replay, type ReplayResult } from '../../src/runtime/replay.ts'
import { TableStore } from './table-store.ts'

/** One partition: its lines without line feeds. */
export interface DrivenPartition {
  readonly stream: StreamName
  readonly lines: readonly Uint8Array[]
}

const RANDOM = Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))

/** The lines as the bytes of a file. */
export function fileBytes(lines: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
}

/** A byte source over bytes in memory that gives at most `chunkBytes` at a time. */
export function memorySource(name: string, bytes: Uint8Array, chunkBytes: number): ByteSource {
  let taken = 0
  return {
    name,
    byteLength: bytes.length,
    get bytesTaken() {
      return taken
    },
    read(into, offset, length) {
      const count = Math.min(length, chunkBytes, bytes.length - taken)
      into.set(bytes.subarray(taken, taken + count), offset)
      taken += count
      return count
    },
    close: async () => {},
  }
}

/** A replay of whole partitions. */
export async function replayPartitions(
  plan: Plan,
  partitions: readonly DrivenPartition[],
  chunkBytes: number = 1 << 16,
): Promise<{ tables: TextTables; result: ReplayResult; letters: DeadLetter[]; store: TableStore }> {
  const store = new TableStore(plan)
  const letters: DeadLetter[] = []
  const result = await replay({
    plan,
    partitions: partitions.map(({ stream, lines }, i) => ({
      stream,
      source: memorySource(`${stream}-${i}`, fileBytes(lines), chunkBytes),
    })),
    sink: store,
    deadLetters: { write: (letter) => letters.push({ ...letter, bytes: letter.bytes.slice() }) },
    random: RANDOM,
    nowMs: () => 0,
    yieldTurn: async () => {},
  })
  return { tables: store.tables(), result, letters, store }
}

/**
 * What a stepped run does next: read some lines of a partition, follow the watermarks, hand out changes, save rows
 * ahead of the next snapshot, save what is new, or do that and go on with a pipeline restored from what was saved.
 */
export type Step =
  { readonly read: number; readonly lines: number } | 'advance' | 'changes' | 'final' | 'ahead' | 'snapshot' | 'restart'

/** The outcome of a stepped run. */
export interface SteppedRun {
  readonly tables: TextTables
  readonly pipeline: Pipeline
  readonly brokenFinals: readonly string[]
  /** `read − Σ classes` that was not 0 after some step. */
  readonly imbalances: readonly number[]
  /** What was handed out, in order; the rows of each change set sorted. */
  readonly handedOut: readonly string[]
  /** Everything that was saved. */
  readonly snapshots: SnapshotStore
}

/** Runs steps, then reads what is left of every partition in order, ends them all and hands out the rest. */
export function stepPartitions(
  plan: Plan,
  partitions: readonly DrivenPartition[],
  steps: Iterable<Step>,
  { carryPolicy, snapshots = new SnapshotStore() }: { carryPolicy?: CarryPolicy; snapshots?: SnapshotStore } = {},
): SteppedRun {
  const store = new TableStore(plan)
  const options = {
    plan,
    rollUps: plan.tables,
    partitions: partitions.map(({ stream }, i) => ({ stream, name: `${stream}-${i}` })),
    deadLetters: { write: () => undefined },
    random: RANDOM,
    ...(carryPolicy === undefined ? {} : { carryPolicy }),
  }
  let pipeline = new Pipeline(options)
  const handedOut: string[] = []
  const handOut = (onlyFinal: boolean): void => {
    const changes = pipeline.engine.changes(onlyFinal)
    handedOut.push(sortedText(changes))
    store.apply(changes)
  }
  const imbalances: number[] = []
  const next = partitions.map(() => 0)
  const framers = partitions.map(() => new LineFramer(MAX_RECORD_BYTES, 1 << 16))
  const offerWhole = (partition: number, framer: LineFramer): void => {
    if (!framer.hasLines) return
    const { block, linesStart, linesEnd } = framer
    pipeline.offerLines(partition, block, linesStart, linesEnd, Infinity)
    framer.consume(linesEnd, pipeline.nextLineOf[partition] ?? NaN)
  }
  const read = (partition: number, count: number): void => {
    const from = next[partition] ?? 0
    const lines = partitions[partition]?.lines.slice(from, from + count) ?? []
    next[partition] = from + lines.length
    const framer = framers[partition] as LineFramer
    const bytes = fileBytes(lines)
    for (let taken = 0; taken < bytes.length; offerWhole(partition, framer)) taken = framer.write(bytes, taken)
    imbalances.push(
      ...STREAM_NAMES.map((_, code) => pipeline.engine.ledger.differenceOf(code)).filter(
        (difference) => difference !== 0,
      ),
    )
  }
  for (const step of steps) {
    if (step === 'advance') pipeline.engine.advance()
    else if (step === 'ahead') pipeline.engine.saveAhead()
    else if (step === 'changes' || step === 'final') handOut(step === 'final')
    else if (step === 'snapshot' || step === 'restart') {
      snapshots.add(pipeline.snapshot(snapshots.nextEpoch))
      if (step === 'restart') pipeline = restored(options, snapshots.chain())
    } else read(step.read % Math.max(1, partitions.length), step.lines)
  }
  partitions.forEach((_, partition) => {
    read(partition, Infinity)
    pipeline.engine.watermarks.end(partition)
    pipeline.engine.advance()
  })
  handOut(false)
  return { tables: store.tables(), pipeline, brokenFinals: store.brokenFinals, imbalances, handedOut, snapshots }
}

function sortedText({ cells, ledger }: ChangeSet): string {
  const rowsOf = (count: number, columns: readonly (readonly unknown[])[]): string[] =>
    Array.from({ length: count }, (_, row) => columns.map((column) => String(column[row])).join(' ')).toSorted()
  const parts = cells.map((part) => [
    part.rollUp,
    ...rowsOf(part.count, [
      part.windowStartMs,
      ...part.dimensions,
      part.impressions,
      part.clicks,
      ...part.sumsMicros,
      part.isFinal,
      part.removed,
    ]),
  ])
  const { windowStartMs, stream, eventClass, events } = ledger
  return [...parts.flat(), ...rowsOf(ledger.count, [windowStartMs, stream, eventClass, events])].join('\n')
}

/** Keeps snapshots as a store of checkpoints would: the payloads that the newest one needs, each in one piece. */
export class SnapshotStore {
  /** All that were ever added. */
  readonly added: Snapshot[] = []
  #payloads: { readonly epoch: number; readonly bytes: Uint8Array }[] = []

  get nextEpoch(): number {
    return this.added.length + 1
  }

  add(snapshot: Snapshot): void {
    this.added.push(snapshot)
    this.#payloads = this.#payloads.filter(({ epoch }) => epoch >= snapshot.since)
    this.#payloads.push({ epoch: snapshot.epoch, bytes: Buffer.concat(snapshot.parts) })
  }

  /** What is needed to restore the newest. */
  chain(): Uint8Array[] {
    return this.#payloads.map(({ bytes }) => bytes)
  }
}

/** A pipeline from copies of these payloads, of which none is read once it is let go of. */
function restored(options: Omit<PipelineOptions, 'random'>, chain: readonly Uint8Array[]): Pipeline {
  const copies = chain.map((payload) => Uint8Array.from(payload))
  return Pipeline.restore(options, copies, (payload) => payload.fill(0xee))
}
