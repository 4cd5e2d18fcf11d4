/**
 * The journal between everything that sends events and the engine: what comes in is appended, and once it is on disk
 * the engine reads it from there. Whether it came a moment ago or before a restart makes no difference.
 *
 * J1  What depends on the clock or on the pipeline's watermark is written into the journal with the events: when they
 *     arrived, and W at that moment. So reading it again gives the same classes (`admit.ts`).
 * J2  From the append on until everything of it has been read, a partition counts as on its way: it does not become
 *     idle, so W cannot rise past it before its events are read.
 * J3  Of the partitions that have something, the one with the lowest watermark is read next: after a restart, too,
 *     clicks are read in step with their impressions.
 * J4  One poll hands over a bounded amount, of a large block a part. Its position moves once all of it was handed over.
 * J5  Where a source keeps its events and goes on from a position, W waits for what it could not append yet: its
 *     partition is on its way until that is appended. Whoever is told to come back may never do so, so W does not wait
 *     for them.
 */
import type { JournalBlock } from '../checkpoint/journal/block-window.ts'
import type { JournalReader } from '../checkpoint/journal/journal-reader.ts'
import type { Journal } from '../checkpoint/journal/journal.ts'
import { messageOf, type TidemarkError } from '../errors.ts'
import type { Watermarks } from '../time/watermarks.ts'
import type { LiveSource, OfferLines } from './live-run.ts'
import type { MemoryRoom } from './memory-room.ts'
import type { Clock, Positions } from './ports.ts'
import type { IntakeStatus } from './status.ts'

/** One poll hands over about as much as the engine takes in 3 ms; more of a block waits for the next. */
const POLL_BYTES = 1 << 20
const LF = 0x0a

export interface JournalSourceOptions {
  readonly journal: Journal
  /** Names of the partitions, in the order of the pipeline's. */
  readonly partitions: readonly string[]
  readonly watermarks: Watermarks
  readonly clock: Clock
  /** Where to go on reading, for partitions that were read before. */
  readonly positions: Positions
  /** Bytes free on the journal's disk. */
  readonly freeBytes: () => number
  /** Where there is room for what is appended once it is counted; left out, there always is. */
  readonly memory?: MemoryRoom | undefined
}

interface OpenPartition {
  readonly name: string
  readonly reader: JournalReader
  /** Logical offset of the next block to read. */
  position: number
  /** Appends that are not on disk yet. */
  appending: number
  /** Whether its source has more that could not be appended (J5). */
  isHeldBack: boolean
}

export class JournalSource implements LiveSource {
  readonly #options: JournalSourceOptions
  readonly #partitions: readonly OpenPartition[]
  #isClosed = false
  /** A block of which a part has been handed over, up to `from`. */
  #held: { readonly index: number; readonly block: JournalBlock; from: number } | undefined
  /** Why the last append was refused; undefined once one is taken again. */
  #refusal: string | undefined

  constructor(options: JournalSourceOptions) {
    this.#options = options
    this.#partitions = options.partitions.map((name) => {
      const position = options.positions[name] ?? options.journal.earliest(name)
      return { name, reader: options.journal.reader(name, position), position, appending: 0, isHeldBack: false }
    })
    // What was idle at the checkpoint and has been appended to since is on its way (J2).
    this.#partitions.forEach((open, partition) => {
      if (this.#unread(open) > 0) options.watermarks.setIdle(partition, false)
    })
  }

  /**
   * Appends whole lines to a partition. Resolves when they are on disk, and only then they count as accepted.
   *
   * @param sourcePosition where the source goes on after them, kept with them
   * @throws TidemarkError retryable where there is no room now; `DISK_FAILED` where there never will be
   */
  async append(partition: number, lines: Uint8Array, recordCount: number, sourcePosition?: Uint8Array): Promise<void> {
    const isKept = sourcePosition !== undefined
    if (isKept) this.#holdBack(partition)
    // Before anything else shows that someone spoke: W must not wait for whom we send away (M3 of `memory-room.ts`).
    this.#takeRoom(partition, lines.length, isKept)
    await this.appendUnasked(partition, lines, recordCount, sourcePosition)
  }

  /** The same for lines that are bounded by themselves: whether memory has room for them is not asked. */
  async appendUnasked(
    partition: number,
    lines: Uint8Array,
    recordCount: number,
    sourcePosition?: Uint8Array,
  ): Promise<void> {
    const { journal, watermarks, clock } = this.#options
    const open = this.#partitions[partition] as OpenPartition
    watermarks.setIdle(partition, false)
    const stamp = { recordCount, arrivalMs: clock.nowMs(), floorMs: watermarks.pipelineMs }
    open.appending++
    try {
      await journal.append(open.name, lines, sourcePosition === undefined ? stamp : { ...stamp, sourcePosition })
      this.#refusal = undefined
      open.isHeldBack = false
    } catch (error) {
      this.#refusal = messageOf(error)
      throw error
    } finally {
      open.appending--
    }
  }

  #holdBack(partition: number): void {
    const open = this.#partitions[partition] as OpenPartition
    open.isHeldBack = true
    this.#options.watermarks.setIdle(partition, false)
  }

  #takeRoom(partition: number, byteLength: number, isKept: boolean): void {
    const { memory, watermarks } = this.#options
    if (memory === undefined || memory.admit(byteLength)) return
    if (isKept && watermarks.slowest() === partition && memory.follow(byteLength)) return
    throw memory.refusal()
  }

  /** Whether an append has a chance now. */
  get isOpen(): boolean {
    const { journal, memory } = this.#options
    return !this.#isClosed && !journal.isFull && journal.failure === undefined && memory?.isClosed !== true
  }

  /** Why an append has none, where its sender can be told. */
  get closedBy(): TidemarkError | undefined {
    const { memory } = this.#options
    return memory?.isClosed === true ? memory.refusal() : undefined
  }

  /** Bytes that were appended, or are being appended, and not read yet. */
  get uncountedBytes(): number {
    return this.#partitions.reduce((bytes, open) => bytes + this.#unread(open), this.#options.journal.queuedBytes)
  }

  poll(offer: OfferLines): boolean {
    // A block that was begun is ended by itself: whoever waits for a barrier waits for no other.
    if (this.#held !== undefined) this.#offerPiece(this.#held.index, offer, POLL_BYTES)
    else if (!this.#offerBlocks(offer)) return false
    return this.#held !== undefined || this.#next() >= 0
  }

  /** Returns false where there was nothing left. */
  #offerBlocks(offer: OfferLines): boolean {
    for (let bytes = 0; bytes < POLL_BYTES && this.#held === undefined;) {
      const index = this.#next()
      if (index < 0) return false
      bytes += this.#offerPiece(index, offer, POLL_BYTES - bytes)
    }
    return true
  }

  get isWithinBlock(): boolean {
    return this.#held !== undefined
  }

  onMore(listener: () => void): () => void {
    return this.#options.journal.onDurable(listener)
  }

  isOnItsWay(partition: number): boolean {
    const open = this.#partitions[partition] as OpenPartition
    return open.isHeldBack || open.appending > 0 || this.#unread(open) > 0
  }

  unreadBytes(partition: number): number {
    return this.#unread(this.#partitions[partition] as OpenPartition)
  }

  positions(): Positions {
    return Object.fromEntries(this.#partitions.map(({ name, position }) => [name, position]))
  }

  status(): IntakeStatus {
    const { journal, freeBytes } = this.#options
    return {
      ...this.#openness(),
      queuedBytes: journal.queuedBytes,
      journalBytes: journal.byteLength,
      freeBytes: freeBytes(),
    }
  }

  #openness(): Pick<IntakeStatus, 'state' | 'message'> {
    const { journal, memory } = this.#options
    if (this.#isClosed) return { state: 'closed', message: null }
    if (memory?.isFull === true) {
      const { message, fix } = memory.refusal()
      return { state: 'memory_full', message: `${message} Ways out: ${fix ?? ''}.` }
    }
    if (this.#refusal === undefined && !journal.isFull) return { state: 'open', message: null }
    return { state: 'full', message: this.#refusal ?? 'Too much waits to be written to the disk.' }
  }

  /** Says that nothing is taken in any more. */
  close(): void {
    this.#isClosed = true
  }

  #unread({ name, position }: OpenPartition): number {
    return this.#options.journal.durableEnd(name) - position
  }

  #next(): number {
    const { watermarks } = this.#options
    let next = -1
    let lowestMs = Infinity
    for (let index = 0; index < this.#partitions.length; index++) {
      if (this.#unread(this.#partitions[index] as OpenPartition) === 0) continue
      const watermarkMs = watermarks.ofPartition(index)
      if (next >= 0 && watermarkMs >= lowestMs) continue
      next = index
      lowestMs = watermarkMs
    }
    return next
  }

  /** Hands over whole lines of the block at hand, about `maxBytes` of them; returns how many bytes that were. */
  #offerPiece(index: number, offer: OfferLines, maxBytes: number): number {
    const open = this.#partitions[index] as OpenPartition
    const block = this.#held?.block ?? open.reader.next()
    if (block === undefined) return POLL_BYTES
    const from = this.#held?.from ?? 0
    const lf = block.lines.length - from <= maxBytes ? -1 : block.lines.indexOf(LF, from + maxBytes)
    const to = lf < 0 ? block.lines.length : lf + 1
    offer(index, block.lines, from, to, block.arrivalMs, block.floorMs)
    this.#held = to < block.lines.length ? { index, block, from: to } : undefined
    if (this.#held === undefined) open.position = block.nextOffset
    return to - from
  }
}
