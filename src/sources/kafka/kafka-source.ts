/**
 * Topics of Kafka as a live source. Kafka keeps the events, so there is no journal: positions are offsets, part of the
 * epoch like any other, and a start reads on from those of the epoch that PostgreSQL holds.
 *
 * `block-fetcher.ts` asks for record batches ahead of the engine; `poll` frames them and offers whole fetched blocks,
 * so that a position is always the end of one. `topic-watch.ts` follows what becomes of the topics meanwhile.
 *
 * K1  Partitions are assigned by hand, each a partition of the pipeline with its own watermark. Of those that have
 *     something the one with the lowest watermark is read next, and none runs far ahead of one that has something to
 *     send.
 * K2  A partition is on its way from when a broker says that it has more until that is offered, and while no broker
 *     answers for it: neither an outage nor an open transaction makes it idle.
 * K3  What passes (no leader, a broker restarts, the network fails) is tried again after 0.25 s, doubling to 5 s, and
 *     told once. What no try can mend ends the run: a gap, a refusal, damage.
 * K4  A partition that is added to a topic is picked up and read from its first offset.
 * K5  Memory is bounded: what waits is at most three blocks of each partition.
 * K6  Whoever polls is called when there is something to offer: records are seen as soon as a broker sent them.
 */
import { TidemarkError } from '../../errors.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import type { OfferLines } from '../../runtime/live-run.ts'
import type { Clock, Log, Positions } from '../../runtime/ports.ts'
import { MINUTE_MS } from '../../time/units.ts'
import type { Watermarks } from '../../time/watermarks.ts'
import { BlockFetcher } from './block-fetcher.ts'
import type { Cluster, FetchedPartition } from './cluster.ts'
import { decompress } from './decompress.ts'
import type { GroupOffsets } from './group-offsets.ts'
import { DAMAGE_FIX } from './kafka-errors.ts'
import type { KafkaFolder } from './kafka-folder.ts'
import { dropWaiting, hasMore, openPartition, type OpenPartition, type WaitingBlock } from './open-partition.ts'
import type { KafkaPartition } from './partition.ts'
import { Problems } from './problems.ts'
import { RecordBatchReader } from './record-batch.ts'
import { TopicWatch } from './topic-watch.ts'

export interface KafkaSourceOptions {
  /** Name of the source. */
  readonly name: string
  readonly cluster: Pick<Cluster, 'topics' | 'offsets' | 'fetch' | 'close'>
  /** Told what the tables hold. */
  readonly group?: GroupOffsets
  readonly topics: Readonly<Record<StreamName, string>>
  /** Partitions known at the start, each with its index in the pipeline. */
  readonly partitions: readonly (KafkaPartition & { readonly index: number; readonly leader: number })[]
  readonly folder: KafkaFolder
  readonly watermarks: Watermarks
  /** Adds a partition to the pipeline and gives its index. */
  readonly addPartition: (partition: { readonly name: string; readonly stream: StreamName }) => number
  /** How many events of a stream were `future` so far. */
  readonly futureCount: (stream: StreamName) => number
  readonly clock: Clock
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  /** How often topics are looked up. */
  readonly refreshMs?: number
}

const POLL_BYTES = 1 << 20
const REFRESH_MS = 15_000
/** How far a partition's watermark may be ahead of one that has something to send, ms of event time. */
const MAX_AHEAD_MS = 10 * MINUTE_MS

export class KafkaSource {
  readonly #options: KafkaSourceOptions
  readonly #partitions: OpenPartition[] = []
  readonly #byIndex = new Map<number, OpenPartition>()
  readonly #stopping = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #reader: RecordBatchReader
  #offer: OfferLines = () => undefined
  #current: OpenPartition | undefined
  #stampMs = { arrivalMs: 0, floorMs: -Infinity }
  readonly #problems: Problems
  readonly #fetcher: BlockFetcher
  readonly #watch: TopicWatch
  #watching: Promise<unknown> = Promise.resolve()

  constructor(options: KafkaSourceOptions) {
    this.#options = options
    const { name, log, cluster, topics, folder, watermarks, pause, refreshMs = REFRESH_MS } = options
    const { signal } = this.#stopping
    const partitions = this.#partitions
    const problems = new Problems(name, log, signal)
    this.#problems = problems
    const shared = { cluster, partitions, problems, signal, pause, log }
    this.#fetcher = new BlockFetcher({
      ...shared,
      watermarks,
      canOffer: () => this.#next() !== undefined,
      onMore: () => this.#listeners.forEach((listener) => listener()),
      lookUp: async () => this.#watch.lookUp(),
    })
    this.#watch = new TopicWatch({
      ...shared,
      name,
      topics,
      folder,
      refreshMs,
      add: (known, leader) => this.#add(known, options.addPartition(known), leader),
      onLookedUp: () => this.#fetcher.begin(),
    })
    this.#reader = new RecordBatchReader(decompress, (bytes, start, end, firstOffset) => {
      const { arrivalMs, floorMs } = this.#stampMs
      this.#offer(this.#current?.index ?? -1, bytes, start, end, arrivalMs, floorMs, firstOffset)
    })
    for (const partition of options.partitions) this.#add(partition, partition.index, partition.leader)
  }

  /** What is wrong with the cluster at present, in one sentence. */
  get problem(): string | null {
    return this.#problems.first
  }

  /** Begins to fetch. `onFatal` is told what no try can mend. */
  start(onFatal: (error: unknown) => void): void {
    this.#problems.onFatal = onFatal
    this.#fetcher.begin()
    this.#watching = this.#watch.run().catch((error: unknown) => this.#problems.fail(error))
  }

  /** Ends fetching and drops what was not offered: it is read again by the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#fetcher.madeRoom()
    for (const partition of this.#partitions) dropWaiting(partition)
    await this.#options.cluster.close()
    await Promise.all([this.#watching, this.#fetcher.ended()])
  }

  owns(index: number): boolean {
    return this.#byIndex.has(index)
  }

  /** Calls back whenever there is more to poll (K6); returns what ends that. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @param only the one partition that may be read now; left out, each may */
  poll(offer: OfferLines, only?: number): boolean {
    this.#offer = offer
    for (let bytes = 0; bytes < POLL_BYTES;) {
      const next = this.#next(only)
      if (next === undefined) return false
      bytes += this.#offerBlock(next)
    }
    return this.#next(only) !== undefined
  }

  isOnItsWay(index: number): boolean {
    const partition = this.#byIndex.get(index)
    return partition !== undefined && (partition.blocks.length > 0 || !partition.isCaughtUp)
  }

  unreadBytes(index: number): number {
    return this.#byIndex.get(index)?.queuedBytes ?? 0
  }

  positions(): Positions {
    return Object.fromEntries(this.#partitions.map(({ name, position }) => [name, position]))
  }

  /** The first offset of each partition that its topic still holds. */
  firstOffsets(): Positions {
    return Object.fromEntries(this.#partitions.map(({ name, firstOffset }) => [name, firstOffset]))
  }

  /** Lets tools see that the tables hold everything before `positions`. */
  tellCommitted(positions: Positions): void {
    const offsets = this.#partitions.flatMap(({ name, topic, number }) => {
      const offset = positions[name]
      return offset === undefined ? [] : [{ topic, partition: number, offset }]
    })
    this.#options.group?.tell(offsets)
  }

  #add(known: KafkaPartition, index: number, leader: number): void {
    const added = openPartition(known, index, leader)
    this.#partitions.push(added)
    // Nobody knows yet that it has nothing (K2).
    this.#options.watermarks.setIdle(index, false)
    this.#byIndex.set(index, added)
  }

  /** The partition to read next (K1). */
  #next(only?: number): OpenPartition | undefined {
    const { watermarks } = this.#options
    if (only !== undefined) {
      const partition = this.#byIndex.get(only)
      return partition !== undefined && partition.blocks.length > 0 ? partition : undefined
    }
    let next: OpenPartition | undefined
    let lowestMs = Infinity
    let awaitedMs = Infinity
    for (const partition of this.#partitions) {
      const watermarkMs = watermarks.ofPartition(partition.index)
      const hasBlocks = partition.blocks.length > 0
      if (!hasBlocks && hasMore(partition) && !partition.isCaughtUp) awaitedMs = Math.min(awaitedMs, watermarkMs)
      if (!hasBlocks || (next !== undefined && watermarkMs >= lowestMs)) continue
      next = partition
      lowestMs = watermarkMs
    }
    return lowestMs > awaitedMs + MAX_AHEAD_MS ? undefined : next
  }

  #offerBlock(partition: OpenPartition): number {
    const { watermarks, clock, folder, futureCount } = this.#options
    const { fetched: block, leaderEpoch } = partition.blocks.shift() as WaitingBlock
    partition.queuedBytes -= block.bytes.length
    const from = partition.position
    const floorMs = watermarks.pipelineMs
    const isPassed = floorMs > watermarks.ofPartition(partition.index)
    const futureBefore = futureCount(partition.stream)
    this.#current = partition
    this.#stampMs = { arrivalMs: clock.nowMs(), floorMs }
    partition.position = this.#read(partition, block)
    partition.leaderEpoch = leaderEpoch
    folder.noteLeaderEpoch(partition.name, partition.position, leaderEpoch)
    if (isPassed || futureCount(partition.stream) !== futureBefore)
      folder.add({ partition: partition.name, from, to: partition.position, ...this.#stampMs })
    block.giveBack?.()
    this.#fetcher.madeRoom()
    return block.bytes.length
  }

  #read({ topic, number, position }: OpenPartition, { bytes, aborted }: FetchedPartition): number {
    try {
      return this.#reader.read(bytes, position, aborted)
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'KAFKA_CORRUPT') throw error
      throw new TidemarkError('KAFKA_CORRUPT', `${topic}-${number}: ${error.message}`, {
        where: `${topic}-${number}`,
        fix: DAMAGE_FIX,
        cause: error,
      })
    }
  }
}
