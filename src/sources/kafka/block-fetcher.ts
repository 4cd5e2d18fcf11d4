/**
 * Asks for record batches ahead of the engine: one fetcher for each broker that leads a partition, one request of it
 * under way at a time.
 *
 * F1  The next request is sent while blocks still wait, once half of the partitions that have more have room for it:
 *     what a broker needs to answer then costs the engine no time.
 * F2  A request that may wait at the broker keeps nobody waiting: it is sent only where no partition is known to have
 *     more, or where nothing that waits may be offered.
 * F3  What waits of a partition is less than {@link QUEUE_BYTES}, or one block more.
 * F4  While nobody asks for a partition, it is not known to have nothing: back-pressure makes none idle.
 */
import { TidemarkError } from '../../errors.ts'
import type { Log } from '../../runtime/ports.ts'
import type { Watermarks } from '../../time/watermarks.ts'
import type { Cluster, FetchedPartition } from './cluster.ts'
import { KAFKA_ERROR, unreadable } from './kafka-errors.ts'
import { dropWaiting, hasMore, takeAnswer, type OpenPartition } from './open-partition.ts'
import { checkOffset } from './partition.ts'
import type { Problems } from './problems.ts'

export interface BlockFetcherOptions {
  readonly cluster: Pick<Cluster, 'topics' | 'offsets' | 'fetch'>
  /** Those of the source, as they are at any moment. */
  readonly partitions: readonly OpenPartition[]
  readonly watermarks: Watermarks
  readonly problems: Problems
  /** Aborted when the source stops. */
  readonly signal: AbortSignal
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  /** Whether something that waits may be offered. */
  readonly canOffer: () => boolean
  /** Told whenever something may be offered after an answer. */
  readonly onMore: () => void
  /** Looks up who leads what. */
  readonly lookUp: () => Promise<void>
}

/** Most that is asked for of a partition at once. */
const BLOCK_BYTES = 1 << 20
/** A partition of which so much waits is not asked for. */
const QUEUE_BYTES = 2 * BLOCK_BYTES
const FETCH_BYTES = 16 << 20
const FETCH_WAIT_MS = 250
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000

export class BlockFetcher {
  readonly #options: BlockFetcherOptions
  readonly #fetchers = new Map<number, Promise<void>>()
  #hasRoom: () => void = () => undefined

  constructor(options: BlockFetcherOptions) {
    this.#options = options
  }

  /** Begins with the brokers that are not asked yet. */
  begin(): void {
    const { partitions, signal, problems } = this.#options
    for (const { leader } of partitions) {
      if (leader < 0 || this.#fetchers.has(leader) || signal.aborted) continue
      const fetching = this.#fetchFrom(leader)
        .catch((error: unknown) => problems.fail(error))
        .finally(() => this.#fetchers.delete(leader))
      this.#fetchers.set(leader, fetching)
    }
  }

  /** Says that a block was taken out, or that the source stops. */
  madeRoom(): void {
    this.#hasRoom()
  }

  /** Once the signal is aborted: until the last fetcher has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#fetchers.values())
  }

  /** Asks a broker for as long as it leads a partition. */
  async #fetchFrom(node: number): Promise<void> {
    const { partitions, problems, signal, pause, lookUp } = this.#options
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted;) {
      const led = partitions.filter(({ leader }) => leader === node)
      if (led.length === 0) return problems.become(node, null)
      const wanted = led.filter(({ queuedBytes }) => queuedBytes < QUEUE_BYTES)
      if (this.#isWorthWaiting(wanted, led)) {
        for (const partition of wanted) partition.isCaughtUp = false
        await this.#room()
      } else if (await this.#fetch(node, wanted)) retryMs = FIRST_RETRY_MS
      else {
        await pause(retryMs, signal)
        retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs)
        await lookUp()
      }
    }
  }

  /**
   * A fetch for a few of many would cost as much as one for all (F1); where nothing can be offered, no room will come.
   */
  #isWorthWaiting(wanted: readonly OpenPartition[], led: readonly OpenPartition[]): boolean {
    if (wanted.length === 0) return true
    const [more, wantedMore] = [led.filter(hasMore).length, wanted.filter(hasMore).length]
    return 2 * wantedMore < more && this.#options.canOffer()
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
    const { cluster, signal, problems, canOffer, onMore } = this.#options
    const targets = wanted.map(({ topicId, number, fetchFrom, fetchEpoch }) => ({
      topicId,
      partition: number,
      offset: fetchFrom,
      leaderEpoch: fetchEpoch,
    }))
    try {
      const limits = { maxWaitMs: FETCH_WAIT_MS, bytes: FETCH_BYTES, partitionBytes: BLOCK_BYTES }
      const fetched = await cluster.fetch(node, targets, limits)
      if (signal.aborted) return true
      const codes = fetched.map((answer) => this.#take(answer))
      // Not only a block that came: one that waited may go first now that another partition has nothing.
      if (canOffer()) onMore()
      const failed = codes.find((code) => code !== KAFKA_ERROR.none)
      if (failed !== undefined) throw unreadable(`a partition answers with error ${failed} of Kafka's protocol`)
      problems.become(node, null)
      return true
    } catch (error) {
      for (const partition of wanted) partition.isCaughtUp = false
      problems.tell(node, error)
      return false
    }
  }

  #take(answer: FetchedPartition): number {
    const { partitions, watermarks } = this.#options
    const { topicId, partition: number, errorCode } = answer
    const partition = partitions.find((one) => one.topicId === topicId && one.number === number)
    if (partition === undefined) return KAFKA_ERROR.none
    if (errorCode === KAFKA_ERROR.offsetOutOfRange) void this.#findGap(partition)
    if (errorCode !== KAFKA_ERROR.none) partition.isCaughtUp = false
    else if (takeAnswer(partition, answer)) watermarks.setIdle(partition.index, false)
    return errorCode
  }

  /** Finds out what is lost where the broker has not the offset we want, and ends the run. */
  async #findGap(partition: OpenPartition): Promise<void> {
    const { cluster, log, problems } = this.#options
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
      if (!(error instanceof TidemarkError) || !error.retryable) problems.fail(error)
    }
  }
}
