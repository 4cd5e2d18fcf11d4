/**
 * The true cells and the true ledger, window by window.
 *
 * A1  Events are counted under the combination of all their dimension values; the tables are sums of these.
 * A2  A combination is a number in a mixed radix whose digits are ranks of texts in the order of UTF-8 bytes, so that
 *     the order of numbers is the order of keys.
 */
import { EVENT_CLASSES, summedFields, type EventClass, type Plan, type StreamName } from '../pipeline/plan.ts'
import { STREAM_NAMES } from '../pipeline/plan.ts'
import { windowStartOf } from '../time/window.ts'
import { CellBlock } from './cell-block.ts'

/** One window. */
export class WindowTally {
  readonly startMs: number
  readonly endMs: number
  readonly cells: CellBlock
  /** Events by stream and class: stream × number of classes + class. */
  readonly ledger: Float64Array = new Float64Array(STREAM_NAMES.length * EVENT_CLASSES.length)

  constructor(startMs: number, endMs: number, sumCount: number) {
    this.startMs = startMs
    this.endMs = endMs
    this.cells = new CellBlock(sumCount)
  }
}

/** Where a class is counted in {@link WindowTally.ledger}. */
export function ledgerIndex(stream: StreamName, eventClass: EventClass): number {
  return STREAM_NAMES.indexOf(stream) * EVENT_CLASSES.length + EVENT_CLASSES.indexOf(eventClass)
}

/** All windows of a log. */
export class Tallies {
  readonly #windows = new Map<number, WindowTally>()
  readonly #windowSizeMs: number
  readonly #sumCount: number
  /** The window used last: events come nearly in order. */
  #last: WindowTally = new WindowTally(0, 0, 0)

  constructor(plan: Plan) {
    this.#windowSizeMs = plan.parameters.windowSizeMs
    this.#sumCount = summedFields(plan).length
  }

  windowAt(timeMs: number): WindowTally {
    if (timeMs >= this.#last.startMs && timeMs < this.#last.endMs) return this.#last
    const startMs = windowStartOf(timeMs, this.#windowSizeMs)
    let window = this.#windows.get(startMs)
    if (window === undefined) {
      window = new WindowTally(startMs, startMs + this.#windowSizeMs, this.#sumCount)
      this.#windows.set(startMs, window)
    }
    this.#last = window
    return window
  }

  /** Adds one event to the ledger. `index` is from {@link ledgerIndex}. */
  count(timeMs: number, index: number): void {
    const ledger = this.windowAt(timeMs).ledger
    ledger[index] = (ledger[index] ?? 0) + 1
  }

  /** Every window in which something was counted, in ascending order. */
  inOrder(): readonly WindowTally[] {
    return [...this.#windows.values()].toSorted((a, b) => a.startMs - b.startMs)
  }
}
