/**
 * What is asked of the raw events that a journal retains, and its answers: the events behind a cell, and how long
 * clicks take.
 */
import type { Plan } from '../pipeline/plan.ts'
import { parseDuration } from '../time/duration.ts'
import { DAY_MS, HOUR_MS } from '../time/units.ts'
import { wholeAt } from './raw-value.ts'
import { parseSearch } from './search-text.ts'
import type { Span } from './view-answer.ts'
import { viewError } from './view-error.ts'
import type { ViewFilter } from './view-query.ts'
import { parseScope } from './view-url.ts'

/** A click on an impression, and what became of it. */
export interface RawClick {
  readonly id: string
  readonly timeMs: number
  readonly class: 'counted' | 'repeat' | 'out_of_window'
  readonly partition: string
  /** The record as it came. */
  readonly text: string
}

/** A counted impression and the clicks on it, the counted one first. */
export interface JoinedEvent {
  readonly id: string
  readonly timeMs: number
  readonly dimensions: Readonly<Record<string, string>>
  readonly partition: string
  readonly text: string
  readonly clicks: readonly RawClick[]
}

/** The answer of `/api/v1/drill`. */
export interface DrillAnswer {
  /** The epoch up to whose positions the journal was read. */
  readonly epoch: number
  readonly range: Span
  /** Windows that begin earlier are no longer retained whole; null where all of the range is. */
  readonly retainedFromMs: number | null
  /** Partitions whose records are not in the journal, such as those of topics: their events are not among these. */
  readonly elsewhere: readonly string[]
  readonly events: readonly JoinedEvent[]
  /** How many there are: the impressions of the cell. */
  readonly eventCount: number
}

export interface DrillQuery {
  readonly range: Span
  readonly filters: readonly ViewFilter[]
  readonly limit: number
  readonly offset: number
}

/** The answer of `/api/v1/click-lag`. Of each impression the earliest click is looked at. */
export interface ClickLagAnswer {
  readonly epoch: number
  /** The impressions looked at: those whose clicks can all have come. Shorter than asked where that is much to read. */
  readonly range: Span
  /** Partitions whose records are not in the journal, such as those of topics: their clicks are not looked at. */
  readonly elsewhere: readonly string[]
  /** One in so many impressions was looked at. */
  readonly oneIn: number
  readonly impressions: number
  /** Impressions with a click, at most attribution window and allowed lateness away. */
  readonly clicked: number
  /** Click time − impression time: clicks with `fromMs ≤ lag < toMs`. */
  readonly buckets: readonly { readonly fromMs: number; readonly toMs: number; readonly clicks: number }[]
  readonly medianMs: number | null
  readonly attributionWindowMs: number
  /**
   * The share of clicked impressions whose click came after the attribution window, 0 to 1; null where none was
   * clicked.
   */
  readonly lostShare: number | null
  /** The attribution window that would lose 1 % of what can be seen; null where none was clicked. */
  readonly windowForOnePercentMs: number | null
  /** How far after an impression a click can be seen at all: later ones are orphans. */
  readonly seenUpToMs: number
}

export interface ClickLagQuery {
  readonly lengthMs: number
  readonly filters: readonly ViewFilter[]
}

/** Events of one page, and of an export. */
export const MAX_DRILLED = 100_000
const DRILL_KEYS = ['window', 'from', 'to', 'limit', 'offset', 'format']
const LAG_KEYS = ['range']
const MAX_LAG_MS = DAY_MS

/**
 * What `/api/v1/drill?window=2026-01-01T00:00:00Z&f.campaign_id=c1&limit=50` asks for.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseDrillUrl(plan: Plan, search: string): DrillQuery {
  const entries = parseSearch(search)
  refuseUnknown(entries, DRILL_KEYS)
  const named = new Map(entries)
  const window = named.get('window')
  const time = (text: string | undefined): [string, string][] => (text === undefined ? [] : [['from', text]])
  const span: readonly (readonly [string, string])[] =
    window === undefined
      ? entries.filter(([key]) => key === 'from' || key === 'to')
      : [...time(window), ['to', new Date(windowEnd(plan, window)).toISOString()]]
  const { range, filters } = parseScope(plan, [...span, ...entries.filter(([key]) => key.startsWith('f.'))])
  if (range.kind !== 'fixed') throw viewError('window', 'is missing', window, ['window=TIME, or from=TIME and to=TIME'])
  const number = (key: string, fallback: number, least: number): number => {
    const text = named.get(key)
    return wholeAt(
      key,
      text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : (text ?? fallback),
      least,
      MAX_DRILLED,
    )
  }
  return {
    range: { startMs: range.startMs, endMs: range.endMs },
    filters,
    limit: number('limit', 50, 1),
    offset: number('offset', 0, 0),
  }
}

/**
 * What `/api/v1/click-lag?range=1h` asks for.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseLagUrl(plan: Plan, search: string): ClickLagQuery {
  const entries = parseSearch(search)
  refuseUnknown(entries, LAG_KEYS)
  const text = new Map(entries).get('range')
  const lengthMs = text === undefined ? HOUR_MS : parseDuration(text)
  if (lengthMs === undefined || lengthMs > MAX_LAG_MS)
    throw viewError('range', 'is not a duration', text, ['a duration up to 24h'])
  const { filters } = parseScope(
    plan,
    entries.filter(([key]) => key.startsWith('f.')),
  )
  return { lengthMs: wholeAt('range', lengthMs, 1_000, MAX_LAG_MS), filters }
}

/** Whether the members of an event pass all filters. */
export function passes(plan: Plan, members: readonly string[], filters: readonly ViewFilter[]): boolean {
  return filters.every(({ dimension, mode, members: wanted }) => {
    const index = plan.dimensions.findIndex(({ name }) => name === dimension)
    return wanted.includes(members[index] ?? '') === (mode === 'include')
  })
}

function windowEnd(plan: Plan, window: string): number {
  const startMs = /^\d{10,15}$/.test(window) ? Number(window) : Date.parse(window)
  if (Number.isNaN(startMs)) throw viewError('window', 'is not a time', window, ['the start of a window'])
  return startMs + plan.parameters.windowSizeMs
}

function refuseUnknown(entries: readonly (readonly [string, string])[], keys: readonly string[]): void {
  const unknown = entries.find(([key]) => !keys.includes(key) && !key.startsWith('f.'))
  if (unknown !== undefined)
    throw viewError('view', 'has a key that is not known', unknown[0], [...keys, 'f.DIMENSION'])
}
