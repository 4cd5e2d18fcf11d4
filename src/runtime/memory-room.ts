/**
 * Keeps the process within the memory it was given: says when intake has to wait, before anything is acknowledged that
 * there would be no room for.
 *
 * What a run remembers shrinks only when W moves on. W moves on by events, or by the wall clock once every partition is
 * idle. So whoever is refused must never be what W waits for:
 *
 * M1  An append is admitted only if all of this fits into the limit with it: what the process holds; what the engine's
 *     next steps take beside it; what requests and results may still take; and what everything in the journal that is
 *     not counted yet will take once it is.
 * M2  What was acknowledged is counted, whatever it takes: only intake asks here, the engine never does.
 * M3  A run that is full opens again by itself to senders that keep what is refused, as those of HTTP do. An append of
 *     theirs that is refused leaves its partition as silent as it was, so all become idle after `idleTimeout`; W then
 *     follows the wall clock, and everything remembered has expired once that has passed it by
 *     A + L + max(L, e) + outOfOrderness.
 * M4  Topics and files are there to be read: back-pressure never makes one idle, or what it has would be late. So W
 *     waits for them, and they are read on while the run is full, but only where W waits for them, and only until
 *     `RESERVE` is used up: `canFollow`, `follow`. Where the events of one window length do not fit, they wait for
 *     good.
 * M5  What the system has not taken back is not held: it is room for what comes next. Else a run that is full could
 *     stay it.
 * M6  A limit that is too small for the program itself locks nothing up: `MIN_STATE_SHARE` of it may always be
 *     remembered, what is not counted yet included.
 *
 * M7  Nobody is refused for garbage: before it is full, the collector runs, and every `COLLECT_MS` while it nearly is.
 * M8  An append that does not fit is refused by itself: smaller ones that fit are taken. Nothing at all is admitted
 *     from a look that finds more needed than there is, until one finds `SLACK` of the limit free.
 * M9  That it is full is told of either, and for `FULL_MS` at least: whoever watches would else be told another thing
 *     several times a second.
 *
 * The process is looked at every `LOOK_MS`; what was admitted since counts as used.
 */
import { TidemarkError } from '../errors.ts'
import type { EngineMemory } from '../engine/engine-memory.ts'
import type { MemoryStatus } from './status.ts'

/** What is looked at. Bytes. */
export interface MemoryReadings extends EngineMemory {
  /** What the process has of the machine's memory. */
  readonly residentBytes: number
  /** What requests on their way and results that wait may take beside what they have. */
  readonly inFlightBytes: number
  /** In the journal or on the way there, and not counted yet. */
  readonly uncountedBytes: number
}

export interface MemoryRoomOptions {
  readonly limitBytes: number
  readonly look: () => MemoryReadings
  readonly steadyMs: () => number
  /** Gives back at once what nobody uses any more. */
  readonly collect: () => void
  /** Told whenever it is full, or is not any more (M9). */
  readonly onChange: (status: MemoryStatus) => void
}

const LOOK_MS = 50
/** Ten seconds. */
const REST_LOOKS = 200
/** What a byte of the journal becomes at most in memory: ids and times of a short record take half of it. */
const SHARE_OF_JOURNAL = 0.5
/** The collector stops everything for a tenth of a second. */
const COLLECT_MS = 5_000
/** It runs when less than this share of the limit is left. */
const NEARLY = 0.05
/** It is told as full for so long at least (M9). */
const FULL_MS = 1_000
/** Closed until so much of the limit is free again (M8). */
const SLACK = 0.02
/** What is kept for events of topics and files that W waits for (M4). */
const RESERVE = 0.04
/** What may be remembered in any case (M6). */
const MIN_STATE_SHARE = 1 / 32

/** The memory of one run. */
export class MemoryRoom {
  readonly #options: MemoryRoomOptions
  #lookedMs = -Infinity
  #collectedMs = -Infinity
  /** All that M1 counts, at the last look and since. */
  #neededBytes = 0
  #stateBytes = 0
  /** Of what is needed, that for events of the journal that are not counted yet. */
  #comingBytes = 0
  /** The process without what the engine holds, as far as it can be told from memory not given back (M5). */
  #restBytes = 0
  /** What that was at the last looks at which the engine held most, and the least of these. */
  readonly #rests = new Float64Array(REST_LOOKS).fill(Infinity)
  #restLooks = 0
  #leastRestBytes = 0
  /** The most that the engine held of what is resident now. */
  #highBytes = 0
  #isClosed = false
  #isFull = false
  #fullUntilMs = -Infinity

  constructor(options: MemoryRoomOptions) {
    this.#options = options
  }

  /** Takes room for lines of a journal; false where there is none. */
  admit(byteLength: number): boolean {
    if (this.isClosed) return false
    const bytes = byteLength * SHARE_OF_JOURNAL
    if (this.#neededBytes + bytes > this.#maxBytes && !this.#isLeast) {
      this.#become(true)
      return false
    }
    this.#neededBytes += bytes
    this.#comingBytes += bytes
    return true
  }

  /**
   * Takes room for lines of a source that W waits for, although it is full; false where the reserve is used up (M4).
   */
  follow(byteLength: number): boolean {
    const bytes = byteLength * SHARE_OF_JOURNAL
    if (!this.canFollow || (this.#neededBytes + bytes > this.#options.limitBytes && !this.#isLeast)) return false
    this.#neededBytes += bytes
    this.#comingBytes += bytes
    return true
  }

  /** Whether nothing is admitted now, however small (M8). */
  get isClosed(): boolean {
    this.#look()
    return this.#isClosed
  }

  /** Whether anything is refused, or was a moment ago, for whoever watches (M9). */
  get isFull(): boolean {
    this.#look()
    return this.#isFull
  }

  /** Whether what W waits for may be read on although it is full (M4). */
  get canFollow(): boolean {
    this.#look()
    return this.#neededBytes < this.#options.limitBytes || this.#isLeast
  }

  get status(): MemoryStatus {
    this.#look()
    const { limitBytes } = this.#options
    return { limitBytes, neededBytes: this.#neededBytes, stateBytes: this.#stateBytes, isFull: this.#isFull }
  }

  /** Why nothing is taken, for whoever wants to send. */
  refusal(): TidemarkError {
    const { limitBytes } = this.#options
    const needed = `${gigabytes(this.#neededBytes)} of ${gigabytes(limitBytes)}`
    return new TidemarkError('MEMORY_FULL', `What has to be remembered fills the memory there is (${needed}).`, {
      retryable: true,
      given: this.#neededBytes,
      allowed: [`up to ${limitBytes} bytes`],
      fix: 'give it more with --memory, shorten attributionWindow or allowedLateness, or use Kafka and Flink',
    })
  }

  get #maxBytes(): number {
    return this.#options.limitBytes * (1 - RESERVE)
  }

  /** Whether so little is remembered, or will be, that it always may (M6). */
  get #isLeast(): boolean {
    return this.#stateBytes + this.#comingBytes <= this.#options.limitBytes * MIN_STATE_SHARE
  }

  #look(): void {
    const nowMs = this.#options.steadyMs()
    if (nowMs - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = nowMs
    this.#count()
    if (this.#neededBytes > this.#maxBytes - NEARLY * this.#options.limitBytes && this.#collect(nowMs)) this.#count()
    const slackBytes = this.#isClosed ? SLACK * this.#options.limitBytes : 0
    this.#isClosed = this.#neededBytes > this.#maxBytes - slackBytes && !this.#isLeast
    if (this.#isClosed || nowMs >= this.#fullUntilMs) this.#become(this.#isClosed)
  }

  #collect(nowMs: number): boolean {
    if (nowMs - this.#collectedMs < COLLECT_MS) return false
    this.#collectedMs = nowMs
    this.#options.collect()
    return true
  }

  #count(): void {
    const { heldBytes, growthBytes, residentBytes, inFlightBytes, uncountedBytes } = this.#options.look()
    this.#stateBytes = heldBytes
    this.#comingBytes = uncountedBytes * SHARE_OF_JOURNAL
    this.#measureRest(heldBytes, residentBytes)
    this.#neededBytes = heldBytes + this.#restBytes + growthBytes + inFlightBytes + this.#comingBytes
  }

  /**
   * The process without what the engine holds. While the engine holds the most of what is resident, that is the
   * difference; of what it forgot since, the system may have taken back any part, so the rest is what it was then at
   * least (M5). What comes and goes in seconds, as garbage does, must not add up: so it is the lowest of many looks.
   */
  #measureRest(heldBytes: number, residentBytes: number): void {
    this.#highBytes = Math.max(heldBytes, Math.min(this.#highBytes, residentBytes - this.#leastRestBytes))
    const most = Math.max(0, residentBytes - heldBytes)
    if (heldBytes >= this.#highBytes) {
      this.#rests[this.#restLooks++ % REST_LOOKS] = most
      this.#leastRestBytes = this.#rests.reduce((least, rest) => Math.min(least, rest), Infinity)
    }
    this.#restBytes = Math.min(Math.max(this.#leastRestBytes, residentBytes - this.#highBytes), most)
  }

  #become(isFull: boolean): void {
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    const { limitBytes, onChange, steadyMs } = this.#options
    if (isFull) this.#fullUntilMs = steadyMs() + FULL_MS
    onChange({ limitBytes, neededBytes: this.#neededBytes, stateBytes: this.#stateBytes, isFull })
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`
}
