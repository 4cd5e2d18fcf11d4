/**
 * How much of what is shown may still change, and where there is nothing to show, what there is: in words.
 */
import type { Values } from '../../../src/server/page-data.ts'
import { DAY_MS } from '../../../src/time/units.ts'
import { formatShare } from '../format/numbers.ts'
import { beforeInWords, formatClock, formatDate, formatMinute, formatMoment, rangeInWords } from '../format/times.ts'
import { zoneInWords } from '../format/zones.ts'
import type { PageState } from './page-state.ts'
import type { Screen } from './screen.ts'

/** How much of what is shown may still change; undefined where nothing is known of it. */
export function provisionalText(screen: Screen): string | undefined {
  const { provisionalShare, finalUpToMs, startMs, endMs, zone } = screen
  if (provisionalShare === null) return undefined
  if (provisionalShare > 0 && provisionalShare < 0.9995)
    return `${formatShare(provisionalShare, provisionalShare < 0.01 ? 2 : 0)} of this range may still change`
  // No impressions are no share of anything: what is final is said by the time.
  if (provisionalShare > 0 || finalUpToMs === null || finalUpToMs <= startMs)
    return 'all of this range may still change'
  if (finalUpToMs >= endMs) return 'all of this range is final'
  return `from ${formatMinute(finalUpToMs, zone)} on it may still change`
}

/** Whether nothing was counted. */
export function isNothing(values: Values): boolean {
  return values.every((value) => Number(value) === 0)
}

/**
 * What is empty, and when there are data; undefined where something is shown.
 *
 * @param newestMs the newest event time of all sources; null before the first event, undefined where that is not told
 */
export function whatIsEmpty(
  screen: Screen,
  { range, filters }: Pick<PageState, 'range' | 'filters'>,
  newestMs: number | null | undefined,
): string | undefined {
  const { endMs, zone, totals } = screen
  if (screen.source !== 'tables' || !isNothing(totals.last)) return undefined
  const what = `Nothing was counted ${range.kind === 'last' ? 'in ' : ''}${spanInWords(screen, range)}${filters.length === 0 ? '' : ' with these filters'}.`
  if (newestMs === undefined) return what
  if (newestMs === null) return `${what} No data have come yet.`
  const format = Math.abs(newestMs - endMs) < DAY_MS ? formatMinute : formatMoment
  return `${what} The newest data${filters.length === 0 ? '' : ' of all'} are of ${format(newestMs, zone)}.`
}

/** What a snapshot shows, and of when: one sentence. */
export function snapshotInWords(screen: Screen, { range, comparison }: PageState, nowMs: number): string {
  const { zone, startMs, endMs } = screen
  const words = { previous: beforeInWords(endMs - startMs), day: 'day before', week: 'week before' }
  const { kind } = comparison
  const compared =
    kind === 'none' ? '' : `, compared with ${kind === 'fixed' ? 'a time of its own' : `the ${words[kind]}`}`
  const of = `${formatDate(nowMs, zone)}, ${formatClock(nowMs, zone)} ${zoneInWords(zone)}`
  return `Snapshot of ${of}: ${spanInWords(screen, range)}${compared}`
}

function spanInWords({ startMs, endMs, zone }: Screen, range: PageState['range']): string {
  if (range.kind === 'last') return `the ${rangeInWords(range.lengthMs)}`
  return `from ${formatMoment(startMs, zone)} to ${formatMoment(endMs, zone)}`
}
