/**
 * What became of events of which only the newest part is known: the class of each, or that it cannot be told.
 *
 * The journal is read from some block on. What came before is not known, but for this: it is not newer than
 * `unseenUpToMs`, for anything newer was future then. Every verdict here holds whatever it was.
 *
 * J1  A verdict is given only where the recount of the whole would give the same.
 * J2  An event whose lateness depends on a watermark that is not known is unsure, and so is whatever depends on it.
 * J3  Memory: an entry for each event that is neither malformed nor future nor late nor surely a duplicate.
 */
import type { PlanParameters } from '../../pipeline/plan.ts'
import type { SampleReason } from '../../query/sample-answer.ts'

/** Copies of one id that are told apart; with more of them nothing is sure any more. */
const MAX_COPIES = 64

/** What is known of an event's place in its partition. */
export interface SeenEvent {
  readonly id: string
  readonly timeMs: number
  /** Number of its partition. */
  readonly partition: number
  /** Whether it is certain that it is not late (J2). */
  readonly isInTime: boolean
}

interface Copy extends SeenEvent {
  readonly isAccepted: boolean
}

/** What became of an event by its own id. */
export type Acceptance = 'accepted' | 'unsure' | (SampleReason & { readonly kind: 'duplicate' })

/** The events of one stream by id: which of them are accepted, and which are surely duplicates. */
export class SeenEvents {
  readonly #reachMs: number
  readonly #unseenUpToMs: number
  readonly #copies = new Map<string, Copy[]>()

  /** @param unseenUpToMs what came before was not newer, event time; −Infinity where nothing did */
  constructor({ attributionWindowMs, allowedLatenessMs }: PlanParameters, unseenUpToMs: number) {
    this.#reachMs = attributionWindowMs + allowedLatenessMs
    this.#unseenUpToMs = unseenUpToMs
  }

  /** Whether nothing that is not known lies at `timeMs` or later. */
  isSeenFrom(timeMs: number): boolean {
    return timeMs > this.#unseenUpToMs
  }

  /** Takes an event in, in the order of its partition. */
  offer(event: SeenEvent): Acceptance {
    const copies = this.#copies.get(event.id) ?? []
    const found = this.#judge(event, copies)
    if (typeof found === 'object') return found
    if (copies.length <= MAX_COPIES) copies.push({ ...event, isAccepted: found === 'accepted' })
    this.#copies.set(event.id, copies)
    return found
  }

  #judge({ timeMs, partition, isInTime }: SeenEvent, copies: readonly Copy[]): Acceptance {
    if (!isInTime || copies.length > MAX_COPIES) return 'unsure'
    const near = copies.filter((copy) => Math.abs(copy.timeMs - timeMs) <= this.#reachMs)
    // A copy of the very same time that was in time: accepted or not, what makes it a duplicate makes this one.
    const first = near.find(
      (copy) => copy.partition === partition && (copy.isAccepted || (copy.isInTime && copy.timeMs === timeMs)),
    )
    if (first !== undefined) return { kind: 'duplicate', firstMs: first.timeMs }
    return near.length > 0 || !this.isSeenFrom(timeMs - this.#reachMs) ? 'unsure' : 'accepted'
  }

  /**
   * Whether verdicts on an id hold, once everything was offered: of several partitions nobody knows which came first.
   */
  isSure(id: string): boolean {
    const copies = this.#copies.get(id) ?? []
    return copies.length <= MAX_COPIES && copies.every(({ partition }) => partition === copies[0]?.partition)
  }

  /** Event times of accepted events of an id between two; undefined where that cannot be told. */
  acceptedBetween(id: string, fromMs: number, toMs: number): readonly number[] | undefined {
    if (!this.isSure(id)) return undefined
    const within = (this.#copies.get(id) ?? []).filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs)
    return within.every(({ isAccepted }) => isAccepted) ? within.map(({ timeMs }) => timeMs) : undefined
  }
}

/** A click that was surely accepted. */
export interface SeenClick {
  readonly id: string
  readonly impressionId: string
  readonly timeMs: number
}

/** Tells what became of accepted clicks, once all impressions are there. */
export class ClickJudge {
  readonly #parameters: PlanParameters
  readonly #impressions: SeenEvents
  readonly #watermarkMs: number
  /** Accepted clicks by impression id, in the order in which they came. */
  readonly #clicks = new Map<string, SeenClick[]>()

  /** @param watermarkMs W after the last event */
  constructor(parameters: PlanParameters, impressions: SeenEvents, watermarkMs: number) {
    this.#parameters = parameters
    this.#impressions = impressions
    this.#watermarkMs = watermarkMs
  }

  /** Takes in a click that was accepted. */
  add(click: SeenClick): void {
    const clicks = this.#clicks.get(click.impressionId)
    if (clicks === undefined) this.#clicks.set(click.impressionId, [click])
    else if (clicks.length < MAX_COPIES) clicks.push(click)
  }

  /** Why an accepted click is not counted; undefined where it is, or where that cannot be told. */
  reasonOf(click: SeenClick): SampleReason | undefined {
    const { attributionWindowMs: A, clockSkewToleranceMs: e, allowedLatenessMs: L } = this.#parameters
    const { impressionId, timeMs: c } = click
    const [fromMs, toMs] = [c - A - L, c + e + L]
    const times = this.#impressions.acceptedBetween(impressionId, fromMs, toMs)
    if (times === undefined) return undefined
    const own = Math.max(...times.filter((t) => t >= c - A && t <= c + e))
    if (own !== -Infinity) return this.#repeatOf(click, own)
    if (!this.#impressions.isSeenFrom(fromMs)) return undefined
    const near = times.toSorted((a, b) => Math.abs(c - a) - Math.abs(c - b))[0]
    if (near !== undefined) {
      const lagMs = c - near
      return { kind: 'out_of_window', impressionId, impressionMs: near, lagMs, allowedMs: lagMs < 0 ? e : A }
    }
    const untilMs = c + e + 2 * L
    return this.#watermarkMs > untilMs
      ? { kind: 'orphan', impressionId, fromMs, toMs }
      : { kind: 'pending', impressionId, untilMs }
  }

  #repeatOf(click: SeenClick, impressionMs: number): SampleReason | undefined {
    const { clockSkewToleranceMs } = this.#parameters
    const { impressionId, timeMs } = click
    const clicks = this.#clicks.get(impressionId) ?? []
    const place = clicks.indexOf(click)
    const earlier = clicks.find(
      (other, index) =>
        other.timeMs >= impressionMs - clockSkewToleranceMs &&
        (other.timeMs < timeMs || (other.timeMs === timeMs && index < place)),
    )
    if (earlier === undefined) return undefined
    return { kind: 'repeat', clickId: earlier.id, clickMs: earlier.timeMs, impressionId }
  }
}
