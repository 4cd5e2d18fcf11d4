/**
 * The newest value of every row of the ledger, for sinks that write it once, at the end. 150 bytes a minute.
 */
import type { LedgerChanges } from '../pipeline/cells.ts'
import { EVENT_CLASSES, type EventClass, STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'

/** Keeps absolute values; the last one given counts. */
export class LedgerTotals {
  readonly #minutes = new Map<number, Float64Array>()

  /** Takes over changed rows. */
  merge(ledger: LedgerChanges): void {
    for (let row = 0; row < ledger.count; row++) {
      const startMs = ledger.windowStartMs[row] ?? NaN
      let minute = this.#minutes.get(startMs)
      if (minute === undefined) {
        minute = new Float64Array(STREAM_NAMES.length * EVENT_CLASSES.length)
        this.#minutes.set(startMs, minute)
      }
      minute[slotOf(ledger.stream[row], ledger.eventClass[row])] = ledger.events[row] ?? 0
    }
  }

  /** All rows with events, minutes in ascending order. */
  rows(): LedgerChanges {
    const windowStartMs: number[] = []
    const stream: StreamName[] = []
    const eventClass: EventClass[] = []
    const events: number[] = []
    for (const startMs of [...this.#minutes.keys()].toSorted((a, b) => a - b)) {
      this.#minutes.get(startMs)?.forEach((count, slot) => {
        if (count === 0) return
        windowStartMs.push(startMs)
        stream.push(STREAM_NAMES[Math.floor(slot / EVENT_CLASSES.length)] ?? 'impressions')
        eventClass.push(EVENT_CLASSES[slot % EVENT_CLASSES.length] ?? 'malformed')
        events.push(count)
      })
    }
    return { count: events.length, windowStartMs, stream, eventClass, events }
  }
}

function slotOf(stream: StreamName | undefined, eventClass: EventClass | undefined): number {
  const streamIndex = STREAM_NAMES.findIndex((name) => name === stream)
  return streamIndex * EVENT_CLASSES.length + EVENT_CLASSES.findIndex((name) => name === eventClass)
}
