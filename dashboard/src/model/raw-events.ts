/**
 * What the retained journal answers: the events behind a cell, and how long clicks take.
 */

export interface RawClick {
  readonly id: string
  readonly timeMs: number
  readonly class: 'counted' | 'repeat' | 'out_of_window'
}

/** A counted impression and the clicks on it, the counted one first. */
export interface JoinedEvent {
  readonly id: string
  readonly timeMs: number
  readonly dimensions: Readonly<Record<string, string>>
  /** The record as it came. */
  readonly text: string
  readonly clicks: readonly RawClick[]
}

/** The answer of `/api/v1/drill`. */
export interface DrillAnswer {
  /** Windows that begin earlier are no longer retained whole; null where all of the range is. */
  readonly retainedFromMs: number | null
  readonly events: readonly JoinedEvent[]
  /** How many there are: the impressions of the cell. */
  readonly eventCount: number
}

/** The answer of `/api/v1/click-lag`; times are click time − impression time. */
export interface ClickLagAnswer {
  /** One in so many impressions was looked at. */
  readonly oneIn: number
  readonly impressions: number
  readonly clicked: number
  readonly buckets: readonly { readonly fromMs: number; readonly toMs: number; readonly clicks: number }[]
  readonly medianMs: number | null
  readonly attributionWindowMs: number
  /** The share of clicked impressions whose click came after the attribution window; null where none was clicked. */
  readonly lostShare: number | null
  readonly windowForOnePercentMs: number | null
  /** How far after an impression a click can be seen at all. */
  readonly seenUpToMs: number
}
