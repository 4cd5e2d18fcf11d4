/**
 * The ledger: what became of every event, by stream, class and event minute, and in total.
 *
 * E1  read(stream) = Σ over the classes of total(stream, class), after every `offer`.
 * E2  For each stream and class, the total is the sum of its cells.
 * E3  A cell whose count returned to 0 is handed out as 0 once, so that its row is removed.
 * E4  Once a snapshot has the ledger, cells handed out since the last one are in `#unsaved`; those that changed and
 *     were not handed out are in any case still among the changed ones.
 */
import { EVENT_CLASSES, STREAM_NAMES, type EventClass, type StreamName } from '../pipeline/plan.ts'
import type { LedgerChanges } from '../pipeline/cells.ts'

const CLASS_COUNT = EVENT_CLASSES.length

/** Codes of the classes: their index in `EVENT_CLASSES`. */
export const COUNTED: number = EVENT_CLASSES.indexOf('counted')
export const DUPLICATE: number = EVENT_CLASSES.indexOf('duplicate')
export const REPEAT: number = EVENT_CLASSES.indexOf('repeat')
export const OUT_OF_WINDOW: number = EVENT_CLASSES.indexOf('out_of_window')
export const ORPHAN: number = EVENT_CLASSES.indexOf('orphan')
export const PENDING: number = EVENT_CLASSES.indexOf('pending')
export const LATE: number = EVENT_CLASSES.indexOf('late')
export const FUTURE: number = EVENT_CLASSES.indexOf('future')
export const MALFORMED: number = EVENT_CLASSES.indexOf('malformed')

/** Codes of the streams: their index in `STREAM_NAMES`. */
export const IMPRESSIONS_STREAM = 0
export const CLICKS_STREAM = 1

export class Ledger {
  readonly #windowSizeMs: number
  readonly #read = new Float64Array(STREAM_NAMES.length)
  readonly #totals = new Float64Array(STREAM_NAMES.length * CLASS_COUNT)
  /** Open addressing: (window number × streams + stream) × classes + class + 1; 0 is an empty slot. */
  #keys = new Float64Array(1024)
  #events = new Float64Array(1024)
  #isChanged = new Uint8Array(1024)
  #size = 0
  #changedKeys: number[] = []
  /** Keys (E4); undefined before the first snapshot. */
  #unsaved: Set<number> | undefined
  #lastKey = -1
  #lastSlot = -1

  constructor(windowSizeMs: number) {
    this.#windowSizeMs = windowSizeMs
  }

  /** Notes that `events` events were read. */
  read(stream: number, events: number): void {
    this.#read[stream] = (this.#read[stream] as number) + events
  }

  /** Adds `events` (negative to take away) to the class, in the window of `timeMs`. */
  add(stream: number, eventClass: number, timeMs: number, events: number): void {
    const total = stream * CLASS_COUNT + eventClass
    this.#totals[total] = (this.#totals[total] as number) + events
    const window = Math.floor(timeMs / this.#windowSizeMs)
    const key = (window * STREAM_NAMES.length + stream) * CLASS_COUNT + eventClass + 1
    const slot = key === this.#lastKey ? this.#lastSlot : this.#slotFor(key)
    this.#events[slot] = (this.#events[slot] as number) + events
    if (this.#isChanged[slot] !== 0) return
    this.#isChanged[slot] = 1
    this.#changedKeys.push(key)
  }

  /** Moves one event from a class to another. */
  move(stream: number, from: number, to: number, timeMs: number): void {
    this.add(stream, from, timeMs, -1)
    this.add(stream, to, timeMs, 1)
  }

  /** Events of a stream read so far. */
  readOf(stream: number): number {
    return this.#read[stream] as number
  }

  /** Events of a stream in a class. */
  totalOf(stream: number, eventClass: number): number {
    return this.#totals[stream * CLASS_COUNT + eventClass] as number
  }

  /** `read − Σ classes`: 0 by E1. */
  differenceOf(stream: number): number {
    let sum = 0
    for (let c = 0; c < CLASS_COUNT; c++) sum += this.totalOf(stream, c)
    return this.readOf(stream) - sum
  }

  /** The cells that changed since the last call, with their whole values. */
  takeChanges(): LedgerChanges {
    const changes = {
      count: this.#changedKeys.length,
      windowStartMs: new Array<number>(),
      stream: new Array<StreamName>(),
      eventClass: new Array<EventClass>(),
      events: new Array<number>(),
    }
    for (const key of this.#changedKeys) {
      const slot = this.#slotFor(key)
      this.#isChanged[slot] = 0
      const rest = Math.floor((key - 1) / CLASS_COUNT)
      changes.windowStartMs.push(Math.floor(rest / STREAM_NAMES.length) * this.#windowSizeMs)
      changes.stream.push(STREAM_NAMES[rest % STREAM_NAMES.length] as StreamName)
      changes.eventClass.push(EVENT_CLASSES[(key - 1) % CLASS_COUNT] as EventClass)
      changes.events.push(this.#events[slot] as number)
      this.#unsaved?.add(key)
    }
    this.#changedKeys = []
    return changes
  }

  /** Keys of the cells that changed since the last call; of all at the first (E4). */
  takeUnsaved(): Float64Array {
    const keys = this.#unsaved === undefined ? this.keys() : [...this.#unsaved, ...this.#changedKeys]
    this.#unsaved = new Set()
    return Float64Array.from(new Set(keys)).sort()
  }

  /** Keys of cells that were not handed out since they changed, in that order. */
  get changedKeys(): readonly number[] {
    return this.#changedKeys
  }

  /** Memory held, bytes; a step of growth takes twice as much beside it. */
  get byteLength(): number {
    return this.#keys.length * 17
  }

  /** Cells there are. */
  get size(): number {
    return this.#size
  }

  /** Keys of all cells, in no order. */
  keys(): Float64Array {
    return this.#keys.filter((key) => key !== 0)
  }

  /** Events of the cell with this key. */
  eventsAt(key: number): number {
    return this.#events[this.#slotFor(key)] as number
  }

  /** Sets a cell to what a snapshot has. */
  restore(key: number, events: number): void {
    this.#events[this.#slotFor(key)] = events
    this.#unsaved ??= new Set()
  }

  /** Marks a cell as one that was not handed out since it changed. */
  restoreChanged(key: number): void {
    this.#isChanged[this.#slotFor(key)] = 1
    this.#changedKeys.push(key)
  }

  /** Sets what is counted over all windows to what a snapshot has. */
  restoreTotals(read: Float64Array, totals: Float64Array): void {
    this.#read.set(read)
    this.#totals.set(totals)
  }

  /** Events read, by stream, and totals, by stream and class: {@link restoreTotals} takes them back. */
  totals(): { readonly read: Float64Array; readonly totals: Float64Array } {
    return { read: this.#read.slice(), totals: this.#totals.slice() }
  }

  #slotFor(key: number): number {
    let slot = this.#find(key)
    if (this.#keys[slot] === 0) {
      this.#keys[slot] = key
      this.#size++
      if (this.#size * 2 > this.#keys.length) {
        this.#grow()
        slot = this.#find(key)
      }
    }
    this.#lastKey = key
    this.#lastSlot = slot
    return slot
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1
    const mixed = Math.imul(key | 0, 0x9e3779b1)
    let slot = (mixed ^ (mixed >>> 15)) & mask
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const events = this.#events
    const isChanged = this.#isChanged
    this.#keys = new Float64Array(keys.length * 2)
    this.#events = new Float64Array(keys.length * 2)
    this.#isChanged = new Uint8Array(keys.length * 2)
    for (let old = 0; old < keys.length; old++) {
      if (keys[old] === 0) continue
      const slot = this.#find(keys[old] as number)
      this.#keys[slot] = keys[old] as number
      this.#events[slot] = events[old] as number
      this.#isChanged[slot] = isChanged[old] as number
    }
  }
}
