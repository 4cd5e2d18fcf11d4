/**
 * Topics of Kafka as a live source. Kafka keeps the events, so there is no journal: positions are offsets, part of the
 * epoch like any other, and a start reads on from those of the epoch that PostgreSQL holds.
 *
 * One fetcher for each broker that leads a partition asks for record batches ahead of the engine; `poll` frames them and
 * offers whole fetched blocks, so that a position is always the end of one.
 *
 * K1  Partitions are assigned by hand, each a partition of the pipeline with its own watermark. Of those that have
 *     something the one with the lowest watermark is read next, and none runs far ahead of one that has something to send.
 * K2  A partition is on its way from when a broker says that it has more until that is offered, and while no broker
 *     answers for it: neither an outage nor an open transaction makes it idle.
 * K3  What passes (no leader, a broker restarts, the network fails) is tried again after 0.25 s, doubling to 5 s, and told
 *     once. What no try can mend ends the run: a gap, a refusal, damage.
 * K4  A partition that is added to a topic is picked up and read from its first offset.
 * K5  Memory is bounded: what waits is at most a block of each partition and one more.
 * K6  Whoever polls is called when there is something to offer: records are seen as soon as a broker sent them.
 */
import { TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import type { OfferLines } from '../../runtime/live-run.ts'
import type { Clock, Log, Positions } from '../../runtime/ports.ts'
import type { Watermarks } from '../../time/watermarks.ts'
import type { Cluster, FetchedPartition, TopicInfo } from './cluster.ts'
import { decompress } from './decompress.ts'
import type { GroupOffsets } from './group-offsets.ts'
import type { KafkaFolder } from './kafka-folder.ts'
import { KAFKA_ERROR } from './kafka-errors.ts'
import { dropWaiting, openPartition, takeAnswer, type OpenPartition, type WaitingBlock } from './open-partition.ts'
import { checkOffset, partitionName, recreated, type KafkaPartition } from './partition.ts'
import { Problems, TOPICS } from './problems.ts'
import { RecordBatchReader } from './record-batch.ts'

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
const PARTITION_BYTES = 1 << 20
const FETCH_BYTES = 16 << 20
const FETCH_WAIT_MS = 250
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000
const REFRESH_MS = 15_000
/** How far a partition's watermark may be ahead of one that has something to send, ms of event time. */
const MOST_AHEAD_MS = 600_000

export class KafkaSource {
  readonly #options: KafkaSourceOptions
  readonly #partitions: OpenPartition[] = []
  readonly #byIndex = new Map<number, OpenPartition>()
  readonly #fetchers = new Map<number, Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #reader: RecordBatchReader
  #offer: OfferLines = () => undefined
  #current: OpenPartition | undefined
  #stampMs = { arrivalMs: 0, floorMs: -Infinity }
  #hasRoom: () => void = () => undefined
  #onFatal: (error: unknown) => void = () => undefined
  readonly #problems: Problems
  #refreshing: Promise<unknown> = Promise.resolve()

  constructor(options: KafkaSourceOptions) {
    this.#options = options
    this.#problems = new Problems(options.name, options.log)
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
    this.#onFatal = onFatal
    this.#ensureFetchers()
    this.#refreshing = this.#refreshForever().catch((error: unknown) => this.#fail(error))
  }

  /** Ends fetching and drops what was not offered: it is read again by the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#hasRoom()
    for (const partition of this.#partitions) dropWaiting(partition)
    await this.#options.cluster.close()
    await Promise.all([this.#refreshing, ...this.#fetchers.values()])
  }

  owns(index: number): boolean {
    return this.#byIndex.has(index)
  }

  /** Calls back whenever there is more to poll (K6); returns what ends that. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  poll(offer: OfferLines): boolean {
    this.#offer = offer
    for (let bytes = 0; bytes < POLL_BYTES;) {
      const next = this.#next()
      if (next === undefined) return false
      bytes += this.#offerBlock(next)
    }
    return this.#next() !== undefined
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
  #next(): OpenPartition | undefined {
    const { watermarks } = this.#options
    let next: OpenPartition | undefined
    let lowestMs = Infinity
    let awaitedMs = Infinity
    for (const partition of this.#partitions) {
      const watermarkMs = watermarks.ofPartition(partition.index)
      const hasBlocks = partition.blocks.length > 0
      if (!hasBlocks && partition.fetchFrom < partition.lastStableOffset && !partition.isCaughtUp)
        awaitedMs = Math.min(awaitedMs, watermarkMs)
      if (!hasBlocks || (next !== undefined && watermarkMs >= lowestMs)) continue
      next = partition
      lowestMs = watermarkMs
    }
    return lowestMs > awaitedMs + MOST_AHEAD_MS ? undefined : next
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
    this.#hasRoom()
    return block.bytes.length
  }

  #read({ topic, number, position }: OpenPartition, { bytes, aborted }: FetchedPartition): number {
    try {
      return this.#reader.read(bytes, position, aborted)
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'KAFKA_CORRUPT') throw error
      throw new TidemarkError('KAFKA_CORRUPT', `${topic}-${number}: ${error.message}`, {
        where: `${topic}-${number}`,
        fix: 'check the disks of the brokers and start again; `kafka-dump-log` shows what they hold',
        cause: error,
      })
    }
  }

  #ensureFetchers(): void {
    for (const { leader } of this.#partitions) {
      if (leader < 0 || this.#fetchers.has(leader) || this.#stopping.signal.aborted) continue
      const fetching = this.#fetchFrom(leader)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => this.#fetchers.delete(leader))
      this.#fetchers.set(leader, fetching)
    }
  }

  /** Asks a broker for as long as it leads a partition. */
  async #fetchFrom(node: number): Promise<void> {
    const { signal } = this.#stopping
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted;) {
      const led = this.#partitions.filter(({ leader }) => leader === node)
      if (led.length === 0) return this.#problems.become(node, null)
      const wanted = led.filter(({ queuedBytes }) => queuedBytes < PARTITION_BYTES)
      if (this.#isWorthWaiting(wanted, led)) await this.#room()
      else if (await this.#fetch(node, wanted)) retryMs = FIRST_RETRY_MS
      else {
        await this.#options.pause(retryMs, signal)
        retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs)
        await this.#refreshOrTell()
      }
    }
  }

  /** A fetch for a few of many would cost as much as one for all; where nothing can be offered, no room will come. */
  #isWorthWaiting(wanted: readonly OpenPartition[], led: readonly OpenPartition[]): boolean {
    return wanted.length === 0 || (2 * wanted.length < led.length && this.#next() !== undefined)
  }

  async #room(): Promise<void> {
    await new Promise<void>((resolve) => {
      const before = this.#hasRoom
      this.#hasRoom = () => {
        before()
        this.#hasRoom = () => undefined
        resolve()
      }
    })
  }

  /** Whether it went well; what passes is told. */
  async #fetch(node: number, wanted: readonly OpenPartition[]): Promise<boolean> {
    const targets = wanted.map(({ topicId, number, fetchFrom, fetchEpoch }) => ({
      topicId,
      partition: number,
      offset: fetchFrom,
      leaderEpoch: fetchEpoch,
    }))
    const limits = { maxWaitMs: FETCH_WAIT_MS, bytes: FETCH_BYTES, partitionBytes: PARTITION_BYTES }
    try {
      const fetched = await this.#options.cluster.fetch(node, targets, limits)
      if (this.#stopping.signal.aborted) return true
      const codes = fetched.map((answer) => this.#take(answer))
      // Not only a block that came: one that waited may go first now that another partition has nothing.
      if (this.#next() !== undefined) for (const listener of this.#listeners) listener()
      const failed = codes.find((code) => code !== KAFKA_ERROR.none)
      if (failed !== undefined) throw unavailable(`a partition answers with error ${failed} of Kafka's protocol`)
      this.#problems.become(node, null)
      return true
    } catch (error) {
      for (const partition of wanted) partition.isCaughtUp = false
      this.#tell(node, error)
      return false
    }
  }

  #take(answer: FetchedPartition): number {
    const { topicId, partition: number, errorCode } = answer
    const partition = this.#partitions.find((one) => one.topicId === topicId && one.number === number)
    if (partition === undefined) return KAFKA_ERROR.none
    if (errorCode === KAFKA_ERROR.offsetOutOfRange) void this.#findGap(partition)
    if (errorCode !== KAFKA_ERROR.none) partition.isCaughtUp = false
    else if (takeAnswer(partition, answer)) this.#options.watermarks.setIdle(partition.index, false)
    return errorCode
  }

  /** Finds out what is lost where the broker has not the offset we want, and ends the run. */
  async #findGap(partition: OpenPartition): Promise<void> {
    const { cluster, log } = this.#options
    const { topic, topicId, number, fetchFrom, position } = partition
    try {
      const info = (await cluster.topics([topic])).get(topic)
      if (info === undefined || info.id !== topicId) return
      const [first, end] = await Promise.all([cluster.offsets(info, 'earliest'), cluster.offsets(info, 'latest')])
      checkOffset({ topic, number, position: fetchFrom }, first[number] ?? 0, Infinity)
      if (fetchFrom > (end[number] ?? 0)) {
        checkOffset({ topic, number, position }, 0, end[number] ?? 0)
        return dropWaiting(partition)
      }
      if (partition.fetchEpoch < 0) return
      // What it has is as long as what was read, but by leaders that it does not know.
      log('warn', `${topic}-${number}: the broker cannot tell whether it was cut back before offset ${fetchFrom}.`)
      partition.fetchEpoch = partition.leaderEpoch = -1
    } catch (error) {
      if (error instanceof TidemarkError && error.retryable) return
      this.#fail(error)
    }
  }

  async #refreshForever(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#options.pause(this.#options.refreshMs ?? REFRESH_MS, signal)
      if (!signal.aborted) await this.#refreshOrTell()
    }
  }

  async #refreshOrTell(): Promise<void> {
    try {
      await this.#refresh()
      this.#problems.become(TOPICS, null)
    } catch (error) {
      this.#tell(TOPICS, error)
    }
  }

  /** Looks the topics up: who leads what now, and which partitions are new (K4). */
  async #refresh(): Promise<void> {
    const { cluster, topics } = this.#options
    const found = await cluster.topics(STREAM_NAMES.map((stream) => topics[stream]))
    if (this.#stopping.signal.aborted) return
    for (const stream of STREAM_NAMES) {
      const info = found.get(topics[stream])
      if (info === undefined) throw unavailable(`the topic ${topics[stream]} is not there`)
      this.#compare(stream, info)
    }
    this.#ensureFetchers()
  }

  #compare(stream: StreamName, info: TopicInfo): void {
    const own = this.#partitions.filter((partition) => partition.stream === stream)
    const changed = own.find(({ topicId }) => topicId !== info.id)
    if (changed !== undefined) throw recreated(changed)
    for (const partition of own) partition.leader = info.leaders[partition.number] ?? -1
    const added = info.leaders.slice(own.length)
    if (added.length > 0) this.#pickUp(stream, info, own.length)
  }

  #pickUp(stream: StreamName, info: TopicInfo, first: number): void {
    const { name: source, folder, addPartition, log } = this.#options
    const before = folder.topicOf(source, stream)?.from ?? []
    const from = info.leaders.map((_, number) => before[number] ?? 0)
    folder.remember(source, stream, { topic: info.name, id: info.id, from })
    for (let number = first; number < info.leaders.length; number++) {
      const name = partitionName(source, stream, number)
      const known = { name, stream, topic: info.name, topicId: info.id, number, position: 0 }
      this.#add(known, addPartition({ name, stream }), info.leaders[number] ?? -1)
    }
    log(
      'info',
      `The topic ${info.name} has ${info.leaders.length} partitions now; the new ones are read from the start.`,
    )
  }

  /** Tells a problem once; ends the run where no try can mend it. */
  #tell(node: number, error: unknown): void {
    if (this.#stopping.signal.aborted) return
    if (!(error instanceof TidemarkError) || !error.retryable) this.#fail(error)
    else this.#problems.become(node, error.message)
  }

  #fail(error: unknown): void {
    if (!this.#stopping.signal.aborted) this.#onFatal(error)
  }
}

function unavailable(reason: string): TidemarkError {
  return new TidemarkError('KAFKA_UNAVAILABLE', `Kafka cannot be read: ${reason}.`, { retryable: true })
}
