/**
 * The accepted events of one stream, found by id and time.
 *
 * A1  Any two accepted events of one id are more than `apartMs` = A + L apart, for a nearer one is a duplicate. So a slot
 *     of apartMs + 1 milliseconds holds at most one of them, and whatever an id's history, a look takes the same time.
 */

/** Anything that has an event time. */
interface Timed {
  readonly timeMs: number
}

export class AcceptedEvents<Event extends Timed> {
  readonly #apartMs: number
  readonly #slotMs: number
  readonly #bySlot = new Map<string, Event>()

  constructor(apartMs: number) {
    this.#apartMs = apartMs
    this.#slotMs = apartMs + 1
  }

  /** Takes an event in, unless one of its id was accepted at most `apartMs` away: then it is a duplicate. */
  accept(id: string, event: Event): boolean {
    const { timeMs } = event
    if (this.latest(id, timeMs - this.#apartMs, timeMs + this.#apartMs) !== undefined) return false
    this.#bySlot.set(keyOf(id, this.#slotOf(timeMs)), event)
    return true
  }

  /** Of the accepted events of `id` with `fromMs <= time <= toMs` the one with the highest time. */
  latest(id: string, fromMs: number, toMs: number): Event | undefined {
    for (let slot = this.#slotOf(toMs); slot >= this.#slotOf(fromMs); slot--) {
      const event = this.#bySlot.get(keyOf(id, slot))
      if (event !== undefined && event.timeMs >= fromMs && event.timeMs <= toMs) return event
    }
    return undefined
  }

  values(): Iterable<Event> {
    return this.#bySlot.values()
  }

  #slotOf(timeMs: number): number {
    return Math.floor(timeMs / this.#slotMs)
  }
}

function keyOf(id: string, slot: number): string {
  return `${slot} ${id}`
}
