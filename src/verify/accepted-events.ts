/**
 * The accepted events of one stream, found by id and time.
 *
 * A1  Any two accepted events of one id are more than `apartMs` = A + L apart, for a nearer one is a duplicate. So a
 *     slot of apartMs + 1 milliseconds holds at most one of them, and whatever an id's history, a look takes the same
 *     time.
 */

/** Anything that has an event time. */
interface Timed {
  readonly timeMs: number
}

export class AcceptedEvents<Event extends Timed> {
  readonly #apartMs: number
  readonly #slotMs: number
  /** Number of the slot, then id. */
  readonly #slots = new Map<number, Map<string, Event>>()

  constructor(apartMs: number) {
    this.#apartMs = apartMs
    this.#slotMs = apartMs + 1
  }

  /** Takes an event in, unless one of its id was accepted at most `apartMs` away: then it is a duplicate. */
  accept(id: string, event: Event): boolean {
    const { timeMs } = event
    if (this.latest(id, timeMs - this.#apartMs, timeMs + this.#apartMs) !== undefined) return false
    const slot = this.#slotOf(timeMs)
    const events = this.#slots.get(slot)
    if (events === undefined) this.#slots.set(slot, new Map([[id, event]]))
    else events.set(id, event)
    return true
  }

  /** Of the accepted events of `id` with `fromMs <= time <= toMs` the one with the highest time. */
  latest(id: string, fromMs: number, toMs: number): Event | undefined {
    const lowestSlot = this.#slotOf(fromMs)
    for (let slot = this.#slotOf(toMs); slot >= lowestSlot; slot--) {
      const event = this.#slots.get(slot)?.get(id)
      if (event !== undefined && event.timeMs >= fromMs && event.timeMs <= toMs) return event
    }
    return undefined
  }

  /** Every accepted event, in no particular order. */
  *values(): Generator<Event> {
    for (const events of this.#slots.values()) yield* events.values()
  }

  #slotOf(timeMs: number): number {
    return Math.floor(timeMs / this.#slotMs)
  }
}
