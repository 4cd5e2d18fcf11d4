/**
 * Raw events as files: what a spreadsheet or a program takes.
 *
 * X1  No cell of a CSV file is a formula, whatever an event holds.
 */
import { stringify } from 'csv-stringify/sync'
import type { Plan } from '../../pipeline/plan.ts'
import type { JoinedEvent } from '../../query/raw-answer.ts'

export const DRILL_FORMATS = ['json', 'ndjson', 'csv'] as const

/** The events in a format, each with its counted click. */
export function exportedEvents(
  plan: Plan,
  events: readonly JoinedEvent[],
  format: 'ndjson' | 'csv',
): { readonly type: string; readonly text: string } {
  if (format === 'ndjson') {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`)
    return { type: 'application/x-ndjson', text: lines.join('') }
  }
  const names = plan.dimensions.map(({ name }) => name)
  const rows = events.map(({ id, timeMs, dimensions, clicks, partition, text }) => {
    const counted = clicks.find((click) => click.class === 'counted')
    const members = names.map((name) => dimensions[name] ?? '')
    const time = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString())
    return [id, time(timeMs), ...members, counted?.id ?? '', time(counted?.timeMs), clicks.length, partition, text]
  })
  const header = ['impression_id', 'time', ...names, 'click_id', 'click_time', 'clicks', 'partition', 'record']
  return { type: 'text/csv; charset=utf-8', text: stringify([header, ...rows], { escape_formulas: true }) }
}
