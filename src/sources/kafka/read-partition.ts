/**
 * A range of a partition's offsets, read once from start to end: what a recount needs.
 *
 * The lines are those that a run reads, each with what W and the clock were then, where that made a difference.
 */
import { TidemarkError } from '../../errors.ts'
import { linesOf } from '../../text/lines.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import { decompress } from './decompress.ts'
import { BROKERS_FIX } from './kafka-errors.ts'
import type { Stamp } from './kafka-folder.ts'
import { RecordBatchReader } from './record-batch.ts'

/** Lines that were read at one moment. */
export interface StampedLines {
  readonly arrivalMs: number
  readonly floorMs: number
  /** Without their line ends. */
  readonly lines: readonly Uint8Array[]
}

export interface PartitionRange {
  readonly topic: TopicInfo
  readonly number: number
  /** Offsets [from, to). */
  readonly from: number
  readonly to: number
  /** In the order of their offsets. */
  readonly stamps: readonly Stamp[]
}

const LIMITS = { maxWaitMs: 1_000, bytes: 4 << 20, partitionBytes: 4 << 20 }
const MAX_EMPTY = 20
const UNSTAMPED = { arrivalMs: Infinity, floorMs: -Infinity }

/**
 * Reads the range.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED, KAFKA_CORRUPT
 */
export async function* readPartition(cluster: Cluster, range: PartitionRange): AsyncGenerator<StampedLines> {
  const { topic, number, from, to, stamps } = range
  const node = topic.leaders[number] ?? -1
  let batches: StampedLines[] = []
  const reader = new RecordBatchReader(decompress, (bytes, start, end, first) => {
    batches.push(...stamped([...linesOf(bytes.slice(start, end))], first, to, stamps))
  })
  let position = from
  for (let empty = 0; position < to;) {
    const [answer] = await cluster.fetch(node, [{ topicId: topic.id, partition: number, offset: position }], LIMITS)
    const isReadable = answer?.errorCode === 0
    const next = isReadable ? reader.read(answer.bytes, position, answer.aborted) : position
    answer?.giveBack?.()
    empty = next === position ? empty + 1 : 0
    if (empty === MAX_EMPTY) throw unreadable(topic.name, number, position, answer?.errorCode ?? -1)
    position = next
    yield* batches
    batches = []
  }
}

/** Lines by the stamp of their offset. */
function stamped(
  lines: readonly Uint8Array[],
  first: number,
  to: number,
  stamps: readonly Stamp[],
): readonly StampedLines[] {
  const batches: { arrivalMs: number; floorMs: number; lines: Uint8Array[] }[] = []
  let before: object | undefined
  for (const [index, line] of lines.entries()) {
    const offset = first + index
    if (offset >= to) break
    const stamp = stampAt(stamps, offset) ?? UNSTAMPED
    if (stamp !== before) batches.push({ arrivalMs: stamp.arrivalMs, floorMs: stamp.floorMs, lines: [] })
    before = stamp
    batches.at(-1)?.lines.push(line)
  }
  return batches
}

function stampAt(stamps: readonly Stamp[], offset: number): Stamp | undefined {
  let low = 0
  let high = stamps.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((stamps[middle]?.to ?? Infinity) <= offset) low = middle + 1
    else high = middle
  }
  const stamp = stamps[low]
  return stamp !== undefined && stamp.from <= offset ? stamp : undefined
}

function unreadable(topic: string, number: number, position: number, errorCode: number): TidemarkError {
  const reason = errorCode > 0 ? `Kafka answers with error ${errorCode}` : 'nothing comes'
  return new TidemarkError(
    'KAFKA_UNAVAILABLE',
    `${topic}-${number} cannot be read from offset ${position}: ${reason}.`,
    {
      where: `${topic}-${number}`,
      retryable: true,
      fix: BROKERS_FIX,
    },
  )
}
