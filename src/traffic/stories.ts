/**
 * The true end of each story: an impression, its copies, and the clicks that name it.
 *
 * The generator knows how many deliveries of a story are still to come, so a story is settled, and forgotten, when the
 * last of them was written. It judges by SEMANTICS and by nothing an engine does: the class of a click is decided once,
 * with the whole story in view, so there is nothing provisional here.
 *
 * Y1  The id of an impression, and that of a click, occurs in one story only.
 * Y2  Which of two events with one id was accepted first is decided on delivery; everything about clicks at the end.
 */
import type { PlanParameters } from '../pipeline/plan.ts'

/** Where the outcome of a story is counted. */
export interface StoryCounts {
  /** A click's class, at its own time. */
  click(eventClass: 'counted' | 'repeat' | 'out_of_window' | 'orphan', timeMs: number): void
  /** A counted click, in the cells of its impression. */
  attribute(clickTimeMs: number, impressionTimeMs: number, cell: number): void
}

interface AcceptedImpression {
  readonly timeMs: number
  /** The combination of dimension values it is counted under. */
  readonly cell: number
  /** The earliest click that counts for it, ms; NaN while there is none. */
  earliestClickMs: number
}

interface AcceptedClick {
  readonly number: number
  readonly timeMs: number
}

/** One story in progress. */
export class Story {
  /** Deliveries scheduled and not yet written. */
  awaited = 0
  readonly impressions: AcceptedImpression[] = []
  readonly clicks: AcceptedClick[] = []

  /** Takes an impression that is not late; false when it is a duplicate. */
  acceptImpression(timeMs: number, cell: number, reachMs: number): boolean {
    if (this.impressions.some((earlier) => Math.abs(earlier.timeMs - timeMs) <= reachMs)) return false
    this.impressions.push({ timeMs, cell, earliestClickMs: NaN })
    return true
  }

  /** Takes click `number` that is not late; false when it is a duplicate. */
  acceptClick(number: number, timeMs: number, reachMs: number): boolean {
    const isCopy = (earlier: AcceptedClick): boolean =>
      earlier.number === number && Math.abs(earlier.timeMs - timeMs) <= reachMs
    if (this.clicks.some(isCopy)) return false
    this.clicks.push({ number, timeMs })
    return true
  }

  /** Decides the class of every accepted click. */
  settle(parameters: PlanParameters, counts: StoryCounts): void {
    for (const click of this.clicks) {
      const impression = this.#attributed(click.timeMs, parameters)
      if (impression === undefined) counts.click(this.#unattributed(click.timeMs, parameters), click.timeMs)
      else if (!(click.timeMs >= impression.earliestClickMs)) {
        if (!Number.isNaN(impression.earliestClickMs)) counts.click('repeat', impression.earliestClickMs)
        impression.earliestClickMs = click.timeMs
      } else counts.click('repeat', click.timeMs)
    }
    for (const impression of this.impressions) {
      if (Number.isNaN(impression.earliestClickMs)) continue
      counts.click('counted', impression.earliestClickMs)
      counts.attribute(impression.earliestClickMs, impression.timeMs, impression.cell)
    }
  }

  /** The latest impression not after `clickMs` + e, if the click is within A of it. */
  #attributed(clickMs: number, parameters: PlanParameters): AcceptedImpression | undefined {
    let latest: AcceptedImpression | undefined
    for (const impression of this.impressions) {
      const isBefore = impression.timeMs <= clickMs + parameters.clockSkewToleranceMs
      if (isBefore && (latest === undefined || impression.timeMs > latest.timeMs)) latest = impression
    }
    return latest !== undefined && clickMs <= latest.timeMs + parameters.attributionWindowMs ? latest : undefined
  }

  #unattributed(clickMs: number, parameters: PlanParameters): 'out_of_window' | 'orphan' {
    const { attributionWindowMs, clockSkewToleranceMs, allowedLatenessMs } = parameters
    const isNear = this.impressions.some(
      ({ timeMs }) =>
        timeMs - clockSkewToleranceMs - allowedLatenessMs <= clickMs &&
        clickMs <= timeMs + attributionWindowMs + allowedLatenessMs,
    )
    return isNear ? 'out_of_window' : 'orphan'
  }
}

/** The stories in progress, by number. Number 0 stands for none. */
export class OpenStories {
  readonly #stories: (Story | undefined)[] = [undefined]
  readonly #free: number[] = []
  /** Stories in progress. */
  count = 0

  /** Begins a story and gives its number. */
  open(): number {
    const number = this.#free.pop() ?? this.#stories.length
    this.#stories[number] = new Story()
    this.count++
    return number
  }

  get(number: number): Story | undefined {
    return this.#stories[number]
  }

  close(number: number): void {
    this.#stories[number] = undefined
    this.#free.push(number)
    this.count--
  }

  /** Takes out every story, in the order of their numbers. */
  drain(): Story[] {
    const open = this.#stories.filter((story) => story !== undefined)
    this.#stories.length = 1
    this.#free.length = 0
    this.count = 0
    return open
  }
}
