/**
 * Lines that are on their way: rows of one integer array, and a time wheel that hands them out in order of arrival.
 *
 * Q1  A row belongs to one delivery from `allocate` to `release`. Rows are reused, so memory is bounded by what is in
 *     flight at once.
 * Q2  Deliveries of one millisecond come out in the order in which they were scheduled, those scheduled more than a
 *     turn of the wheel ahead first.
 * Q3  What comes out does not depend on how the calls of `next` are spread over time.
 *
 * The wheel has a slot for each millisecond of its turn; each slot is a linked list of rows. What arrives later than
 * one turn waits in a binary heap. Arrays double when they are full.
 */

/** Integers at the start of each row; texts and money follow. */
const NEXT = 0
export const FLAGS = 1
export const STORY = 2
/** Which click of its story, for clicks. */
export const CLICK_NUMBER = 3
/** Four lanes of the event's own id. */
export const OWN_ID = 4
/** Four lanes of the impression's id. */
export const IMPRESSION_ID = 8
/** First of the codes of text fields, then those of money fields. */
export const CODES = 12

/** Bits of {@link FLAGS}. */
export const IS_CLICK = 1
/** Stamped, on arrival, further behind the watermark of its partition than the allowed lateness. */
export const MAKE_LATE = 2
/** Stamped, on arrival, exactly as far behind as is still accepted. */
export const MAKE_BARELY_ON_TIME = 4
export const MAKE_MALFORMED = 8
/** Its time is written as text. */
export const TIME_AS_TEXT = 16

const TURN_MS = 1 << 16
const SLOT_MASK = TURN_MS - 1
const NONE = 0

export class Deliveries {
  /** Rows of `stride` integers; row 0 is never used. Replaced when it grows: read it anew after `allocate`. */
  ints: Int32Array
  /** Event time of each row, ms. Replaced when it grows. */
  timesMs: Float64Array
  readonly stride: number
  /** Rows in use. */
  inFlight = 0

  #capacity: number
  #used = 1
  #free = NONE
  readonly #first = new Int32Array(TURN_MS)
  readonly #last = new Int32Array(TURN_MS)
  /** One bit for each slot that holds rows. */
  readonly #occupied = new Int32Array(TURN_MS >> 5)
  readonly #far = new FarDeliveries()
  #inWheel = 0

  constructor(codeCount: number, capacity = 1024) {
    this.stride = CODES + codeCount
    this.#capacity = capacity
    this.ints = new Int32Array(capacity * this.stride)
    this.timesMs = new Float64Array(capacity)
  }

  /** A row whose content is undefined. */
  allocate(): number {
    this.inFlight++
    if (this.#free !== NONE) {
      const row = this.#free
      this.#free = this.ints[row * this.stride + NEXT] ?? NONE
      return row
    }
    if (this.#used === this.#capacity) this.#grow()
    return this.#used++
  }

  /** A new row with the content of `source`. */
  copy(source: number): number {
    const row = this.allocate()
    const from = source * this.stride
    this.ints.copyWithin(row * this.stride, from, from + this.stride)
    this.timesMs[row] = this.timesMs[source] ?? 0
    return row
  }

  release(row: number): void {
    this.inFlight--
    this.ints[row * this.stride + NEXT] = this.#free
    this.#free = row
  }

  /** Schedules `row` for `arrivalMs`, which is not before `nowMs`; both are whole. */
  schedule(row: number, arrivalMs: number, nowMs: number): void {
    this.ints[row * this.stride + NEXT] = NONE
    if (arrivalMs - nowMs >= TURN_MS) {
      this.#far.push(row, arrivalMs)
      return
    }
    const slot = arrivalMs & SLOT_MASK
    if (this.#first[slot] === NONE) {
      this.#first[slot] = row
      this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] ?? 0) | (1 << (slot & 31))
    } else this.ints[(this.#last[slot] ?? 0) * this.stride + NEXT] = row
    this.#last[slot] = row
    this.#inWheel++
  }

  /** Takes the next row that arrives at `nowMs`, or 0 when there is none. */
  take(nowMs: number): number {
    if (this.#far.nextMs === nowMs) return this.#far.pop()
    const slot = nowMs & SLOT_MASK
    const row = this.#first[slot] ?? NONE
    if (row === NONE) return NONE
    const next = this.ints[row * this.stride + NEXT] ?? NONE
    this.#first[slot] = next
    if (next === NONE) this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] ?? 0) & ~(1 << (slot & 31))
    this.#inWheel--
    return row
  }

  /** The earliest arrival from `fromMs` on, or `limitMs` when none is before it. Nothing may be due before `fromMs`. */
  nextArrivalMs(fromMs: number, limitMs: number): number {
    const endMs = Math.min(limitMs, this.#far.nextMs)
    if (this.#inWheel === 0) return Math.max(fromMs, endMs)
    let atMs = fromMs
    while (atMs < endMs) {
      const slot = atMs & SLOT_MASK
      const rest = (this.#occupied[slot >> 5] ?? 0) >>> (slot & 31)
      if (rest !== 0) return Math.min(endMs, atMs + (31 - Math.clz32(rest & -rest)))
      atMs += 32 - (slot & 31)
    }
    return Math.max(fromMs, endMs)
  }

  #grow(): void {
    this.#capacity *= 2
    const ints = new Int32Array(this.#capacity * this.stride)
    ints.set(this.ints)
    this.ints = ints
    const timesMs = new Float64Array(this.#capacity)
    timesMs.set(this.timesMs)
    this.timesMs = timesMs
  }
}

interface FarDelivery {
  readonly row: number
  readonly arrivalMs: number
  readonly order: number
}

/** A binary heap by arrival, then by order of scheduling. */
class FarDeliveries {
  /** Arrival of the first, +Infinity when empty. */
  nextMs = Infinity
  readonly #heap: FarDelivery[] = []
  #order = 0

  push(row: number, arrivalMs: number): void {
    const heap = this.#heap
    const entry = { row, arrivalMs, order: this.#order++ }
    let at = heap.length
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]
      if (parent === undefined || isBefore(parent, entry)) break
      heap[at] = parent
      at = (at - 1) >> 1
    }
    heap[at] = entry
    this.nextMs = heap[0]?.arrivalMs ?? Infinity
  }

  pop(): number {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined) return NONE
    if (heap.length > 0) this.#sink(last)
    this.nextMs = heap[0]?.arrivalMs ?? Infinity
    return top.row
  }

  #sink(entry: FarDelivery): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left
      if (child === undefined || isBefore(entry, child)) break
      heap[at] = child
      at = child === left ? 2 * at + 1 : 2 * at + 2
    }
    heap[at] = entry
  }
}

function isBefore(a: FarDelivery, b: FarDelivery): boolean {
  return a.arrivalMs < b.arrivalMs || (a.arrivalMs === b.arrivalMs && a.order < b.order)
}
