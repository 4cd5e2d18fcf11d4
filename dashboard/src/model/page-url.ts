/**
 * The page's state as its address: short keys, defaults left out, stable, documented in `docs/page.md`.
 *
 * U1  Reading what was written gives the same state, whatever the names of members are.
 * U2  What cannot be read is left at its default, and told: an address never breaks the page, nor misleads in silence.
 */
import type { PagePlan } from '../../../src/pipeline/page.ts'
import {
  GRAINS,
  type Order,
  type ViewComparison,
  type ViewFilter,
  type ViewRange,
} from '../../../src/query/view-query.ts'
import { joinEscaped, splitEscaped } from '../../../src/query/search-text.ts'
import { isZone } from '../../../src/query/time-zone.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { measuresKept } from './answerable.ts'
import { defaultState, measureOf, type PageState } from './page-state.ts'

const UNITS_MS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
  ['s', 1_000],
]
const NAMED_COMPARISONS = ['previous', 'day', 'week', 'none'] as const

type Query = ReadonlyMap<string, string>

/** What an address says that the page cannot take, and what it takes in its place. */
export interface Stray {
  readonly key: string
  readonly value: string
  readonly allowed: string
}

/** The query part of the address, `?` included; empty for the default state and no search. */
export function formatPageUrl(page: PagePlan, state: PageState, search: string = ''): string {
  const normal = defaultState(page, 'UTC')
  const entries: (readonly [string, string])[] = [...rangeEntries(state.range, normal.range)]
  const add = (key: string, value: string, usual: string): void => {
    if (value !== usual) entries.push([key, value])
  }
  add('vs', comparisonText(state.comparison), 'previous')
  add('axis', state.axis, normal.axis)
  add('grain', state.grain, normal.grain)
  add('measure', state.measure, normal.measure)
  add('split', state.split ?? '', normal.split ?? '')
  add('order', orderText(state.order), orderText(normal.order))
  entries.push(...state.filters.map(filterEntry))
  add('q', search, '')
  add('kiosk', state.isKiosk ? '1' : '', '')
  add('tz', state.zone, 'UTC')
  const text = new URLSearchParams(Object.fromEntries(entries)).toString()
  return text === '' ? '' : `?${text.replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':')}`
}

/** The state an address asks for. `zone` is for an address that asks for nothing at all. */
export function parsePageUrl(page: PagePlan, search: string, zone: string): PageState {
  // Of a key given twice the last counts.
  const query: Query = new Map(new URLSearchParams(search))
  const isBare = query.size === 0
  const normal = defaultState(page, isBare ? zone : 'UTC')
  const asked = query.get('measure')
  const measure = measuresKept(page).some(({ name }) => name === asked) && asked !== undefined ? asked : normal.measure
  const isDimension = (name: string): boolean => page.boards.some(({ dimension }) => dimension.name === name)
  const split = query.get('split')
  return {
    range: parseRange(query) ?? normal.range,
    comparison: parseComparison(query.get('vs')) ?? normal.comparison,
    axis: query.get('axis') === 'click' && isClicks(page, measure) ? 'click' : 'impression',
    grain: GRAINS.find((grain) => grain === query.get('grain')) ?? 'auto',
    zone: toZone(query.get('tz')) ?? normal.zone,
    measure,
    split: split === undefined ? normal.split : isDimension(split) ? split : null,
    order: parseOrder(page, query.get('order')) ?? normal.order,
    filters: [...query].flatMap(([key, value]) => parseFilter(key, value, isDimension)),
    isKiosk: query.get('kiosk') === '1',
  }
}

/** What leaderboards are searched for, by an address. */
export function parseSearch(search: string): string {
  return new URLSearchParams(search).get('q') ?? ''
}

/** What of an address `parsePageUrl` leaves at its default because it cannot be read. */
export function straysOf(page: PagePlan, search: string): readonly Stray[] {
  const query: Query = new Map(new URLSearchParams(search))
  const rules = rulesOf(page, query)
  const names = page.boards.map(({ dimension }) => dimension.name)
  return [...query].flatMap(([key, value]) => {
    if (key.startsWith('f.')) {
      if (parseFilter(key, value, (name) => names.includes(name)).length > 0) return []
      return [{ key, value, allowed: `members of ${names.map((name) => `f.${name}`).join(', ') || 'no dimension'}` }]
    }
    const rule = rules[key]
    if (rule?.isRead === true) return []
    const keys = `the keys ${Object.keys(rules).join(', ')}, f.DIMENSION`
    return [{ key, value, allowed: rule?.allowed ?? keys }]
  })
}

interface Rule {
  readonly isRead: boolean
  readonly allowed: string
}

/** Of each key whether the page can read it in this address, and what it reads. */
function rulesOf(page: PagePlan, query: Query): Readonly<Record<string, Rule>> {
  const value = (key: string): string => query.get(key) ?? ''
  const measures = measuresKept(page).map(({ name }) => name)
  const names = page.boards.map(({ dimension }) => dimension.name)
  const axes = isClicks(page, value('measure')) ? ['impression', 'click'] : ['impression']
  const span: Rule = {
    isRead: parseRange(query)?.kind === 'fixed',
    allowed: 'from and to, with from before to, such as 2026-11-25T14:30Z',
  }
  const oneOf = (key: string, allowed: readonly string[], what: string = allowed.join(', ')): Rule => {
    return { isRead: allowed.includes(value(key)), allowed: what }
  }
  return {
    range: { isRead: parseLength(value('range')) !== undefined, allowed: 'a length up to now, such as 15m, 6h or 7d' },
    from: span,
    to: span,
    vs: {
      isRead: parseComparison(value('vs')) !== undefined,
      allowed: `${NAMED_COMPARISONS.join(', ')}, or a time to start at`,
    },
    tz: { isRead: toZone(value('tz')) !== undefined, allowed: 'an IANA zone, such as Europe/Berlin' },
    grain: oneOf('grain', [...GRAINS, 'auto']),
    measure: oneOf('measure', measures),
    split: oneOf('split', ['', ...names], `${names.join(', ')}, or nothing for the whole`),
    axis: oneOf('axis', axes, `${axes.join(', ')}${axes.length === 1 ? '; click for clicks alone' : ''}`),
    order: {
      isRead: parseOrder(page, value('order')) !== undefined,
      allowed: `MEASURE.value, .change or .share, then .asc or .desc; MEASURE of ${measures.join(', ')}`,
    },
    q: { isRead: true, allowed: '' },
    kiosk: oneOf('kiosk', ['1', '0', ''], '1'),
  }
}

function isClicks(page: PagePlan, name: string): boolean {
  const measure = measureOf(page, { measure: name })
  return measure.kind === 'count' && measure.quantity === 1
}

/** Filters as keys of an address. */
export function filterText(filters: readonly ViewFilter[]): string {
  return new URLSearchParams(Object.fromEntries(filters.map(filterEntry))).toString()
}

function filterEntry({ dimension, mode, members }: ViewFilter): readonly [string, string] {
  return [`f.${dimension}${mode === 'exclude' ? '!' : ''}`, joinEscaped(members, ',')]
}

function rangeEntries(range: ViewRange, usual: ViewRange): readonly (readonly [string, string])[] {
  if (range.kind === 'fixed') {
    return [
      ['from', timeText(range.startMs)],
      ['to', timeText(range.endMs)],
    ]
  }
  if (usual.kind === 'last' && usual.lengthMs === range.lengthMs) return []
  return [['range', lengthText(range.lengthMs)]]
}

function parseRange(query: Query): ViewRange | undefined {
  const [startMs, endMs] = [parseTime(query.get('from')), parseTime(query.get('to'))]
  if (startMs !== undefined && endMs !== undefined && startMs < endMs) return { kind: 'fixed', startMs, endMs }
  const lengthMs = parseLength(query.get('range'))
  return lengthMs === undefined ? undefined : { kind: 'last', lengthMs }
}

/** `2026-11-25T14:30Z`: without what is zero. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/(?::00)?\.000Z$/, 'Z')
}

function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timeMs = /^\d{1,15}$/.test(text) ? Number(text) : /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
  return Number.isFinite(timeMs) && timeMs >= 0 ? timeMs : undefined
}

/** `90m` */
export function lengthText(lengthMs: number): string {
  // A day is 24 hours here: `7d` but `24h`, as people say it.
  const fits = UNITS_MS.find(([, unitMs]) => lengthMs % unitMs === 0 && lengthMs !== unitMs)
  const [unit, unitMs] = lengthMs === HOUR_MS ? (['h', HOUR_MS] as const) : (fits ?? (['s', 1_000] as const))
  return `${lengthMs / unitMs}${unit}`
}

/** The length that `90m`, `6h` or `7d` says; undefined for anything else, and for nothing. */
export function parseLength(text: string | undefined): number | undefined {
  const match = /^(\d{1,6})\s?(d|h|m|s)(?:in)?$/.exec(text?.trim() ?? '')
  const unitMs = UNITS_MS.find(([unit]) => unit === match?.[2])?.[1]
  const lengthMs = Number(match?.[1]) * (unitMs ?? NaN)
  return lengthMs >= MINUTE_MS && lengthMs <= 3_660 * DAY_MS ? lengthMs : undefined
}

function comparisonText(comparison: ViewComparison): string {
  return comparison.kind === 'fixed' ? timeText(comparison.startMs) : comparison.kind
}

function parseComparison(text: string | undefined): ViewComparison | undefined {
  const kind = NAMED_COMPARISONS.find((name) => name === text)
  if (kind !== undefined) return { kind }
  const startMs = parseTime(text)
  return startMs === undefined ? undefined : { kind: 'fixed', startMs }
}

function orderText({ by, of, direction }: Order): string {
  return `${by}.${of}.${direction}`
}

function parseOrder(page: PagePlan, text: string | undefined): Order | undefined {
  const [, by = '', of, direction] = /^(.*)\.(value|change|share)\.(asc|desc)$/.exec(text ?? '') ?? []
  if (!page.measures.some(({ name }) => name === by) && by !== 'impressions') return undefined
  if (of !== 'value' && of !== 'change' && of !== 'share') return undefined
  return direction === 'asc' || direction === 'desc' ? { by, of, direction } : undefined
}

function parseFilter(key: string, value: string, isDimension: (name: string) => boolean): readonly ViewFilter[] {
  if (!key.startsWith('f.')) return []
  const mode = key.endsWith('!') ? 'exclude' : 'include'
  const dimension = key.slice(2, mode === 'exclude' ? -1 : undefined)
  // No member has an empty name: what came without one is `unknown`.
  const members = [...new Set(splitEscaped(value, ','))].filter((member) => member !== '')
  return isDimension(dimension) && members.length > 0 ? [{ dimension, mode, members }] : []
}

function toZone(text: string | undefined): string | undefined {
  return text !== undefined && isZone(text) ? text : undefined
}
