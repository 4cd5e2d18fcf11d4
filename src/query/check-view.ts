/**
 * Checks a request against the plan and makes it a whole query (Y1, Y2 of `view-query.ts`).
 *
 * V1  What passes can be asked: every name is the plan's, every number within its bounds.
 * V2  Checking a checked query gives it back.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time/units.ts'
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../time/window.ts'
import { MAX_DURATION_MS } from '../time/duration.ts'
import { booleanAt, choiceAt, listAt, objectAt, textAt, textsAt, wholeAt } from './raw-value.ts'
import { isZone } from './time-zone.ts'
import { viewError } from './view-error.ts'
import { viewMeasures, type ViewMeasure } from './view-measures.ts'
import {
  GRAINS,
  MAX_FILTER_CHARACTERS,
  MAX_FILTERED,
  MAX_PARTS,
  MAX_RANKED,
  MAX_SPLIT,
  type Order,
  type RankPart,
  type SeriesPart,
  type ViewComparison,
  type ViewFilter,
  type ViewQuery,
  type ViewRange,
  type ViewScope,
} from './view-query.ts'

const MIN_WINDOWS = 12
const DEFAULT_TOP = 5
const DEFAULT_LIMIT = 10
const MAX_OFFSET = 10_000_000
const MAX_FILTERS = 32
/** A text of an event takes 512 bytes at most. */
const MAX_TEXT = 512

export const AXES: readonly TimeAxis[] = ['impression', 'click']

const SCOPE_KEYS = ['range', 'axis', 'zone', 'grain', 'filters', 'comparison'] as const
const VIEW_KEYS = [...SCOPE_KEYS, 'totals', 'series', 'ranks'] as const

type Raw = Readonly<Record<string, unknown>>

/** What is not asked for: the last hour, or twelve windows where those take longer. */
export function defaultRange(plan: Plan): ViewRange {
  const lengthMs = Math.max(HOUR_MS, MIN_WINDOWS * plan.parameters.windowSizeMs)
  return { kind: 'last', lengthMs: Math.min(lengthMs, MAX_DURATION_MS) }
}

/**
 * A whole query from a request of any origin.
 *
 * @throws TidemarkError VIEW_INVALID saying where, what was given and what is allowed
 */
export function checkView(plan: Plan, request: unknown): ViewQuery {
  const raw = objectAt('view', request, VIEW_KEYS)
  const scope = scopeOf(plan, raw)
  const series = listAt('series', raw['series'] ?? [], MAX_PARTS)
  const ranks = listAt('ranks', raw['ranks'] ?? [], MAX_PARTS)
  return {
    ...scope,
    totals: booleanAt('totals', raw['totals'] ?? false),
    series: series.map((part, index) => checkSeries(plan, scope, `series[${index}]`, part)),
    ranks: ranks.map((part, index) => checkRank(plan, scope, `ranks[${index}]`, part)),
  }
}

/**
 * The same for the scope alone, which pages keep in their address.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function checkScope(plan: Plan, request: unknown): ViewScope {
  return scopeOf(plan, objectAt('view', request, SCOPE_KEYS))
}

/** The order of a part that asks for none: by the first count. */
export function defaultOrder(plan: Plan, axis: TimeAxis): Order {
  return { by: measuresOf(plan, axis)[0]?.name ?? 'impressions', of: 'value', direction: 'desc' }
}

function scopeOf(plan: Plan, raw: Raw): ViewScope {
  const { windowSizeMs } = plan.parameters
  const grain = choiceAt('grain', raw['grain'] ?? 'auto', [...GRAINS, 'auto'] as const)
  if (grain !== 'auto' && GRAIN_MS[grain] < windowSizeMs) {
    const allowed = ['auto', ...GRAINS.filter((name) => GRAIN_MS[name] >= windowSizeMs)]
    throw viewError('grain', 'is finer than the windows', grain, allowed)
  }
  return {
    range: checkRange(raw['range'] ?? defaultRange(plan)),
    axis: choiceAt('axis', raw['axis'] ?? 'impression', AXES),
    zone: checkZone(raw['zone'] ?? 'UTC'),
    grain,
    filters: checkFilters(plan, raw['filters'] ?? []),
    comparison: checkComparison(raw['comparison'] ?? { kind: 'none' }),
  }
}

/** Lengths of grains; days and weeks by the clock may be an hour longer or shorter. */
export const GRAIN_MS: Readonly<Record<(typeof GRAINS)[number], number>> = {
  '1m': MINUTE_MS,
  '5m': 300_000,
  '15m': 900_000,
  '1h': HOUR_MS,
  '1d': DAY_MS,
  '1w': 168 * HOUR_MS,
}

function checkRange(value: unknown): ViewRange {
  const raw = objectAt('range', value, ['kind', 'lengthMs', 'startMs', 'endMs'])
  if (choiceAt('range.kind', raw['kind'], ['last', 'fixed'] as const) === 'last') {
    objectAt('range', value, ['kind', 'lengthMs'])
    return { kind: 'last', lengthMs: wholeAt('range.lengthMs', raw['lengthMs'], 1, MAX_DURATION_MS) }
  }
  objectAt('range', value, ['kind', 'startMs', 'endMs'])
  const startMs = timeAt('range.startMs', raw['startMs'])
  const endMs = wholeAt('range.endMs', raw['endMs'], startMs + 1, startMs + MAX_DURATION_MS)
  return { kind: 'fixed', startMs, endMs }
}

function timeAt(where: string, value: unknown): number {
  return wholeAt(where, value, MIN_EVENT_TIME_MS, END_EVENT_TIME_MS)
}

function checkZone(value: unknown): string {
  const zone = textAt('zone', value, 64)
  if (isZone(zone)) return zone
  throw viewError('zone', 'is not a time zone', zone, ['an IANA name such as UTC or Europe/Berlin'])
}

function checkComparison(value: unknown): ViewComparison {
  const raw = objectAt('comparison', value, ['kind', 'startMs'])
  const kind = choiceAt('comparison.kind', raw['kind'], ['none', 'previous', 'day', 'week', 'fixed'] as const)
  if (kind === 'fixed') return { kind, startMs: timeAt('comparison.startMs', raw['startMs']) }
  objectAt('comparison', value, ['kind'])
  return { kind }
}

function checkFilters(plan: Plan, value: unknown): readonly ViewFilter[] {
  const filters = listAt('filters', value, MAX_FILTERS).map((part, index): ViewFilter => {
    const where = `filters[${index}]`
    const raw = objectAt(where, part, ['dimension', 'mode', 'members'])
    const members = textsAt(`${where}.members`, raw['members'], MAX_FILTERED, MAX_TEXT)
    if (members.length === 0) throw viewError(`${where}.members`, 'names nobody', members, ['at least one member'])
    return {
      dimension: dimensionAt(plan, `${where}.dimension`, raw['dimension']),
      mode: choiceAt(`${where}.mode`, raw['mode'] ?? 'include', ['include', 'exclude'] as const),
      members,
    }
  })
  const characters = filters.reduce((sum, { members }) => sum + members.join('').length, 0)
  if (characters > MAX_FILTER_CHARACTERS)
    throw viewError('filters', 'have too long lists of members', `${characters} characters`, [
      `${MAX_FILTER_CHARACTERS} in all`,
    ])
  filters.forEach(({ dimension, mode }, index) => {
    if (filters.findIndex((other) => other.dimension === dimension && other.mode === mode) < index)
      throw viewError(`filters[${index}]`, `is a second ${mode} of this dimension`, dimension, [
        'one include and one exclude of a dimension',
      ])
  })
  return filters
}

function dimensionAt(plan: Plan, where: string, value: unknown): string {
  return choiceAt(
    where,
    value,
    plan.dimensions.map(({ name }) => name),
  )
}

function checkSeries(plan: Plan, scope: ViewScope, where: string, part: unknown): SeriesPart {
  const raw = objectAt(where, part, ['split', 'top', 'orderBy', 'members', 'axis'])
  const axis = choiceAt(`${where}.axis`, raw['axis'] ?? scope.axis, AXES)
  const given = raw['split'] ?? null
  const split = given === null ? null : dimensionAt(plan, `${where}.split`, given)
  const members = textsAt(`${where}.members`, raw['members'] ?? [], split === null ? 0 : MAX_SPLIT, MAX_TEXT)
  const isChosen = split === null || members.length > 0
  const top = isChosen ? 0 : wholeAt(`${where}.top`, raw['top'] ?? DEFAULT_TOP, 1, MAX_SPLIT)
  return {
    split,
    top,
    orderBy: checkOrder(plan, { ...scope, axis }, `${where}.orderBy`, raw['orderBy']),
    members,
    axis,
  }
}

function checkRank(plan: Plan, scope: ViewScope, where: string, part: unknown): RankPart {
  const raw = objectAt(where, part, ['dimension', 'orderBy', 'limit', 'offset', 'search', 'ignoreOwnFilter'])
  return {
    dimension: dimensionAt(plan, `${where}.dimension`, raw['dimension']),
    orderBy: checkOrder(plan, scope, `${where}.orderBy`, raw['orderBy']),
    limit: wholeAt(`${where}.limit`, raw['limit'] ?? DEFAULT_LIMIT, 1, MAX_RANKED),
    offset: wholeAt(`${where}.offset`, raw['offset'] ?? 0, 0, MAX_OFFSET),
    search: textAt(`${where}.search`, raw['search'] ?? '', MAX_TEXT),
    ignoreOwnFilter: booleanAt(`${where}.ignoreOwnFilter`, raw['ignoreOwnFilter'] ?? false),
  }
}

function checkOrder(plan: Plan, scope: ViewScope, where: string, value: unknown): Order {
  const fallback = defaultOrder(plan, scope.axis)
  if (value === undefined) return fallback
  const raw = objectAt(where, value, ['by', 'of', 'direction'])
  const measures = measuresOf(plan, scope.axis)
  const names = measures.map(({ name }) => name)
  const by = choiceAt(`${where}.by`, raw['by'] ?? fallback.by, names)
  const of = choiceAt(`${where}.of`, raw['of'] ?? 'value', ['value', 'change', 'share'] as const)
  const isRatio = measures.find(({ name }) => name === by)?.denominator !== null
  if (of === 'share' && isRatio)
    throw viewError(`${where}.of`, `"${by}" is a ratio, which has no share of a whole`, of, ['value', 'change'])
  if (of === 'change' && scope.comparison.kind === 'none')
    throw viewError(`${where}.of`, 'there is no change without a comparison', of, ['value', 'share'])
  return { by, of, direction: choiceAt(`${where}.direction`, raw['direction'] ?? 'desc', ['desc', 'asc'] as const) }
}

function measuresOf(plan: Plan, axis: TimeAxis): readonly ViewMeasure[] {
  return viewMeasures(plan).filter(({ axes }) => axes.includes(axis))
}
