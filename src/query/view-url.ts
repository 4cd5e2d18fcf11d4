/**
 * A view query as the text of a URL, stable and fit to be written by hand.
 *
 *     ?range=24h&axis=click&tz=Europe/Berlin&grain=1h&vs=previous&f.device_type=mobile,desktop&f.campaign_id!=camp-3
 *     &totals=1&series=campaign_id;top=5;by=ctr;of=change;dir=asc&rank=browser;by=clicks;limit=20
 *
 * L1  Parsing what was formatted gives the same query. What is as `checkView` would fill it in is left out.
 * L2  Texts of any content are members: `,`, `;` and `\` inside one are written with a `\` before them.
 * L3  Without a part, `measure` and `split` ask for a screen: totals, one chart, and a leaderboard for each dimension.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import { formatDuration, parseDuration } from '../time/duration.ts'
import { checkScope, checkView, defaultOrder, defaultRange } from './check-view.ts'
import { coveringTable } from './coverage.ts'
import { formatSearch, joinEscaped, parseSearch, splitEscaped, type SearchEntry } from './search-text.ts'
import { viewError } from './view-error.ts'
import type { Order, RankPart, SeriesPart, ViewQuery, ViewScope } from './view-query.ts'

/** The keys of a scope, and `f.DIMENSION` and `f.DIMENSION!` beside them. */
const SCOPE_KEYS: readonly string[] = ['range', 'from', 'to', 'axis', 'tz', 'grain', 'vs']
const PART_KEYS: readonly string[] = ['totals', 'series', 'rank', 'measure', 'split']

/** The query as a search text, without `?`. */
export function formatViewUrl(plan: Plan, query: ViewQuery): string {
  return formatSearch([
    ...scopeEntries(plan, query),
    ...(query.totals ? ([['totals', '1']] as const) : []),
    ...query.series.map((part): SearchEntry => ['series', seriesText(plan, query, part)]),
    ...query.ranks.map((part): SearchEntry => ['rank', rankText(plan, query, part)]),
  ])
}

/**
 * The query of a search text, with or without `?`.
 *
 * @param otherKeys keys that are somebody else's
 * @throws TidemarkError VIEW_INVALID
 */
export function parseViewUrl(plan: Plan, search: string, otherKeys: readonly string[] = []): ViewQuery {
  const entries = parseSearch(search).filter(([key]) => !otherKeys.includes(key))
  refuseUnknown(plan, entries, [...SCOPE_KEYS, ...PART_KEYS])
  const scope = rawScope(plan, entries)
  return checkView(plan, { ...scope, ...rawParts(plan, scope, entries) })
}

/** The scope as entries of a search text: pages keep it beside keys of their own. */
function scopeEntries(plan: Plan, scope: ViewScope): readonly SearchEntry[] {
  const { range, axis, zone, grain, filters, comparison } = scope
  const entries: SearchEntry[] = []
  if (range.kind === 'fixed') entries.push(['from', timeText(range.startMs)], ['to', timeText(range.endMs)])
  else if (JSON.stringify(range) !== JSON.stringify(defaultRange(plan)))
    entries.push(['range', formatDuration(range.lengthMs)])
  if (axis !== 'impression') entries.push(['axis', axis])
  if (zone !== 'UTC') entries.push(['tz', zone])
  if (grain !== 'auto') entries.push(['grain', grain])
  if (comparison.kind !== 'none')
    entries.push(['vs', comparison.kind === 'fixed' ? timeText(comparison.startMs) : comparison.kind])
  for (const { dimension, mode, members } of filters)
    entries.push([`f.${dimension}${mode === 'exclude' ? '!' : ''}`, joinEscaped(members, ',')])
  return entries
}

/**
 * The scope in entries of a search text; keys that are no part of it are left to the caller.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseScope(plan: Plan, entries: readonly SearchEntry[]): ViewScope {
  return checkScope(plan, rawScope(plan, entries))
}

function rawScope(plan: Plan, entries: readonly SearchEntry[]): Readonly<Record<string, unknown>> {
  const found = (key: string): string | undefined => entries.findLast(([name]) => name === key)?.[1]
  const filters = entries.flatMap(([key, value]) => {
    if (!key.startsWith('f.')) return []
    const isExclude = key.endsWith('!')
    const dimension = key.slice(2, isExclude ? -1 : undefined)
    return [{ dimension, mode: isExclude ? 'exclude' : 'include', members: splitEscaped(value, ',') }]
  })
  return {
    range: rawRange(plan, found('range'), found('from'), found('to')),
    ...given('axis', found('axis')),
    ...given('zone', found('tz')),
    ...given('grain', found('grain')),
    ...given('comparison', rawComparison(found('vs'))),
    filters,
  }
}

function rawRange(plan: Plan, last: string | undefined, from: string | undefined, to: string | undefined): unknown {
  if (from !== undefined || to !== undefined)
    return { kind: 'fixed', startMs: timeOf('from', from), endMs: timeOf('to', to) }
  if (last === undefined) return defaultRange(plan)
  const lengthMs = parseDuration(last)
  if (lengthMs === undefined) throw viewError('range', 'is not a duration', last, ['a duration such as 15m, 24h or 7d'])
  return { kind: 'last', lengthMs }
}

function rawComparison(text: string | undefined): unknown {
  if (text === undefined || !/^\d/.test(text)) return text === undefined ? undefined : { kind: text }
  return { kind: 'fixed', startMs: timeOf('vs', text) }
}

function rawParts(
  plan: Plan,
  scope: Readonly<Record<string, unknown>>,
  entries: readonly SearchEntry[],
): Readonly<Record<string, unknown>> {
  const all = (key: string): readonly string[] => entries.flatMap(([name, value]) => (name === key ? [value] : []))
  const [series, ranks, totals] = [all('series'), all('rank'), all('totals')]
  if (series.length + ranks.length + totals.length === 0) return rawScreen(plan, scope, all('measure'), all('split'))
  return {
    totals: totals.at(-1) === '1',
    series: series.map(rawSeries),
    ranks: ranks.map(rawRank),
  }
}

function rawScreen(
  plan: Plan,
  scope: Readonly<Record<string, unknown>>,
  [measure]: readonly string[],
  [split]: readonly string[],
): Readonly<Record<string, unknown>> {
  const { axis, filters } = checkScope(plan, scope)
  const orderBy = measure === undefined ? undefined : { by: measure }
  const filtered = filters.map(({ dimension }) => dimension)
  const dimensions = plan.dimensions.filter(
    ({ name }) => coveringTable(plan, axis, [...new Set([...filtered, name])]) !== undefined,
  )
  return {
    totals: true,
    series: [{ split: split ?? null, ...given('orderBy', orderBy) }],
    ranks: dimensions.slice(0, 16).map(({ name }) => ({ dimension: name, ...given('orderBy', orderBy) })),
  }
}

function seriesText(plan: Plan, query: ViewQuery, { split, top, orderBy, members, axis }: SeriesPart): string {
  const fields = [split ?? '']
  if (split !== null && members.length === 0 && top !== 5) fields.push(`top=${top}`)
  fields.push(...orderFields(plan, axis, orderBy))
  if (members.length > 0) fields.push(`members=${joinEscaped(members, ',')}`)
  if (axis !== query.axis) fields.push(`axis=${axis}`)
  return joinEscaped(fields, ';')
}

function rawSeries(text: string): unknown {
  const { head, field, number, list } = fieldsOf('series', text, ['top', 'by', 'of', 'dir', 'members', 'axis'])
  return {
    split: head === '' ? null : head,
    ...number('top'),
    ...rawOrder(field),
    ...given('members', list('members')),
    ...given('axis', field('axis')),
  }
}

function rankText(plan: Plan, query: ViewQuery, part: RankPart): string {
  const fields = [part.dimension, ...orderFields(plan, query.axis, part.orderBy)]
  if (part.limit !== 10) fields.push(`limit=${part.limit}`)
  if (part.offset !== 0) fields.push(`offset=${part.offset}`)
  if (part.search !== '') fields.push(`search=${part.search}`)
  if (part.ignoreOwnFilter) fields.push('own=0')
  return joinEscaped(fields, ';')
}

function rawRank(text: string): unknown {
  const { head, field, number } = fieldsOf('rank', text, ['by', 'of', 'dir', 'limit', 'offset', 'search', 'own'])
  return {
    dimension: head,
    ...rawOrder(field),
    ...number('limit'),
    ...number('offset'),
    ...given('search', field('search')),
    ignoreOwnFilter: field('own') === '0',
  }
}

function orderFields(plan: Plan, axis: TimeAxis, { by, of, direction }: Order): readonly string[] {
  return [
    ...(by === defaultOrder(plan, axis).by ? [] : [`by=${by}`]),
    ...(of === 'value' ? [] : [`of=${of}`]),
    ...(direction === 'desc' ? [] : [`dir=${direction}`]),
  ]
}

function rawOrder(field: (key: string) => string | undefined): Readonly<Record<string, unknown>> {
  const order = { ...given('by', field('by')), ...given('of', field('of')), ...given('direction', field('dir')) }
  return { orderBy: order }
}

interface Fields {
  readonly head: string
  readonly field: (key: string) => string | undefined
  readonly number: (key: string) => Readonly<Record<string, unknown>>
  readonly list: (key: string) => readonly string[] | undefined
}

function fieldsOf(where: string, text: string, keys: readonly string[]): Fields {
  const [head = '', ...rest] = splitEscaped(text, ';')
  const found = new Map(
    rest.map((part): [string, string] => {
      const at = part.indexOf('=')
      const key = at < 0 ? part : part.slice(0, at)
      if (at < 0 || !keys.includes(key)) throw viewError(where, 'has a field that is not known', part, keys)
      return [key, part.slice(at + 1)]
    }),
  )
  const field = (key: string): string | undefined => found.get(key)
  return {
    head,
    field,
    number: (key) => {
      const value = field(key)
      return value === undefined ? {} : { [key]: /^\d{1,15}$/.test(value) ? Number(value) : value }
    },
    list: (key) => {
      const value = field(key)
      return value === undefined ? undefined : splitEscaped(value, ',')
    },
  }
}

function refuseUnknown(plan: Plan, entries: readonly SearchEntry[], keys: readonly string[]): void {
  const unknown = entries.find(([key]) => !keys.includes(key) && !key.startsWith('f.'))
  if (unknown === undefined) return
  const filters = plan.dimensions.flatMap(({ name }) => [`f.${name}`, `f.${name}!`])
  throw viewError('view', 'has a key that is not known', unknown[0], [...keys, ...filters])
}

function given(key: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [key]: value }
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z')
}

function timeOf(where: string, text: string | undefined): number {
  const allowed = ['a time such as 2026-01-01T00:00:00Z, or milliseconds since the epoch']
  if (text === undefined) throw viewError(where, 'is missing', text, allowed)
  if (/^\d{10,15}$/.test(text)) return Number(text)
  const timeMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(timeMs)) throw viewError(where, 'is not a time', text, allowed)
  return timeMs
}
