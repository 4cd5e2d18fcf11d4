/**
 * What a person looks at: the one state that the address of the page holds, and the steps from one to another.
 *
 * V1  A step gives a new state and changes nothing; the same state always asks the same question.
 * V2  What does not fit the plan (a measure that is gone, say) gives way to the default.
 */
import type { PageMeasure, PagePlan } from '../../../src/pipeline/page.ts'
import type { TimeAxis } from '../../../src/pipeline/plan.ts'
import type { Order, ViewFilter, ViewScope } from '../../../src/query/view-query.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { isKept, measuresKept, orderTaken } from './answerable.ts'

/** The ranges that have a key, in the order of their keys. */
export const PRESETS_MS: readonly number[] = [15 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS]

/** What the range is compared with, in the order in which its key goes through them. */
export const COMPARISONS = ['previous', 'day', 'week', 'none'] as const

export interface PageState extends ViewScope {
  /** Name of a measure of the page. */
  readonly measure: string
  /** Name of a dimension; null draws the whole alone. */
  readonly split: string | null
  /** Of all leaderboards, and of the members that charts show. */
  readonly order: Order
  /** Nothing but the numbers, for a screen on a wall. */
  readonly isKiosk: boolean
}

/** What the page shows when its address asks for nothing. */
export function defaultState(page: PagePlan, zone: string): PageState {
  const main = page.charts[0]
  const [measure] = main !== undefined && isKept(page, main.measure.name) ? [main.measure] : measuresKept(page)
  return {
    range: { kind: 'last', lengthMs: PRESETS_MS.includes(page.rangeMs) ? page.rangeMs : HOUR_MS },
    axis: 'impression',
    zone,
    grain: 'auto',
    filters: [],
    comparison: { kind: 'previous' },
    measure: measure?.name ?? main?.measure.name ?? 'impressions',
    split: main?.dimension?.name ?? null,
    order: orderTaken(page, { by: 'impressions', of: 'value', direction: 'desc' }),
    isKiosk: false,
  }
}

/** How long the range is, ms. */
export function rangeLengthMs({ range }: PageState): number {
  return range.kind === 'last' ? range.lengthMs : range.endMs - range.startMs
}

/** How much of a range may be yet to come, or have passed meanwhile, for a step onto it to be one back to live. */
const LIVE_SHARE = 0.25

/**
 * The range before (−1) or after (+1) the one shown, which is `shown` now; live again where there is little after it:
 * `←` and then `→` end where they began.
 */
export function stepRange(
  state: PageState,
  direction: -1 | 1,
  shown: { startMs: number; endMs: number },
  nowMs: number,
): PageState {
  const lengthMs = rangeLengthMs(state)
  if (state.range.kind === 'last' && direction === 1) return state
  const startMs = (state.range.kind === 'fixed' ? state.range.startMs : shown.startMs) + direction * lengthMs
  if (direction === 1 && startMs + lengthMs + LIVE_SHARE * lengthMs > nowMs)
    return { ...state, range: { kind: 'last', lengthMs } }
  return { ...state, range: { kind: 'fixed', startMs, endMs: startMs + lengthMs } }
}

/** A range twice as long around the same middle; live where it would reach beyond `newestMs`. */
export function zoomOut(state: PageState, newestMs: number): PageState {
  const lengthMs = rangeLengthMs(state)
  if (state.range.kind === 'last') return { ...state, range: { kind: 'last', lengthMs: nextPreset(lengthMs) } }
  const endMs = state.range.endMs + lengthMs / 2
  if (endMs >= newestMs) return { ...state, range: { kind: 'last', lengthMs: nextPreset(lengthMs) } }
  return { ...state, range: { kind: 'fixed', startMs: state.range.startMs - lengthMs / 2, endMs } }
}

function nextPreset(lengthMs: number): number {
  return PRESETS_MS.find((preset) => preset > lengthMs) ?? PRESETS_MS.at(-1) ?? lengthMs
}

/** The filters of a dimension with this member in or out; a member that is already so is let go. */
export function toggleMember(state: PageState, dimension: string, member: string, mode: ViewFilter['mode']): PageState {
  const own = state.filters.find((filter) => filter.dimension === dimension && filter.mode === mode)
  const isIn = own?.members.includes(member) === true
  const members = isIn ? own.members.filter((name) => name !== member) : [...(own?.members ?? []), member]
  const others = state.filters
    .filter((filter) => filter !== own)
    // What was left out and is now asked for, or the other way round, is one or the other.
    .map((filter) =>
      filter.dimension === dimension
        ? { ...filter, members: filter.members.filter((name) => name !== member) }
        : filter,
    )
  return { ...state, filters: sortFilters([...others, { dimension, mode, members }]) }
}

/** Whether a member is asked for, left out, or neither. */
export function filterModeOf({ filters }: PageState, dimension: string, member: string): ViewFilter['mode'] | null {
  const filter = filters.find((one) => one.dimension === dimension && one.members.includes(member))
  return filter?.mode ?? null
}

function sortFilters(filters: readonly ViewFilter[]): readonly ViewFilter[] {
  return filters
    .filter(({ members }) => members.length > 0)
    .toSorted((a, b) => a.dimension.localeCompare(b.dimension) || b.mode.localeCompare(a.mode))
}

/** The measure shown, and what stands beside it in leaderboards. */
export function measureOf(page: PagePlan, state: Pick<PageState, 'measure'>): PageMeasure {
  const found = page.measures.find(({ name }) => name === state.measure) ?? page.charts[0]?.measure
  return found ?? { kind: 'count', name: 'impressions', label: 'Impressions', quantity: 0 }
}

/** Whether a measure has values on the click axis: clicks alone do. */
export function isOnClickAxis(measure: PageMeasure): boolean {
  return measure.kind === 'count' && measure.quantity === 1
}

/** The orders the sort key goes through: most, fell most, rose most, largest share. */
export function ordersOf(measure: PageMeasure): readonly Order[] {
  const by = measure.name
  const size: Order = { by: measure.kind === 'ratio' ? 'impressions' : by, of: 'value', direction: 'desc' }
  return [
    size,
    ...(measure.kind === 'ratio' ? [{ by, of: 'value', direction: 'desc' } as const] : []),
    { by, of: 'change', direction: 'asc' },
    { by, of: 'change', direction: 'desc' },
    ...(measure.kind === 'ratio' ? [] : [{ by, of: 'share', direction: 'desc' } as const]),
  ]
}

/** An order in words, as it is taken. */
export function orderInWords(page: PagePlan, order: Order): string {
  const { by, of, direction } = orderTaken(page, order)
  const measure = page.measures.find(({ name }) => name === by)
  const label = measure?.label ?? (by === 'clicks' ? 'Clicks' : 'Impressions')
  if (of === 'change') return direction === 'asc' ? `${label} fell` : `${label} rose`
  if (of === 'share') return `share of ${label}`
  if (measure?.kind === 'ratio') return direction === 'asc' ? `lowest ${label}` : `highest ${label}`
  return direction === 'asc' ? `least ${label}` : `most ${label}`
}

/** A state with another measure: its order and axis follow where they would make no sense any more. */
export function withMeasure(page: PagePlan, state: PageState, name: string): PageState {
  const measure = measureOf(page, { measure: name })
  const orders = ordersOf(measure)
  const order = orders.find(({ of, direction }) => of === state.order.of && direction === state.order.direction)
  const axis: TimeAxis = isOnClickAxis(measure) ? state.axis : 'impression'
  return { ...state, measure: measure.name, axis, order: order ?? orders[0] ?? state.order }
}
