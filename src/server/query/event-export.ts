/**
 * Raw events as files: what a spreadsheet or a program takes.
 *
 * X1  No cell of a CSV file is a formula, whatever an event holds.
 */
import { stringify } from 'csv-stringify/sync'
import type { Plan } from '../../pipeline/plan.ts'
import type { JoinedEvent } from '../../query/raw-answer.ts'
import { reasonInWords, type SampleEvent } from '../../query/sample-answer.ts'
import { formatDuration } from '../../time/duration.ts'

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

/** Sample events in a format, each with its reason in words. */
export function exportedSamples(
  samples: readonly SampleEvent[],
  format: 'ndjson' | 'csv',
): { readonly type: string; readonly text: string } {
  const words = { time: (ms: number): string => new Date(ms).toISOString(), length: formatDuration }
  if (format === 'ndjson') {
    const lines = samples.map((one) => `${JSON.stringify({ ...one, because: reasonInWords(one.reason, words) })}\n`)
    return { type: 'application/x-ndjson', text: lines.join('') }
  }
  const rows = samples.map(({ stream, id, timeMs, arrivedAtMs, partition, reason, text }) => {
    const arrived = arrivedAtMs === null ? '' : words.time(arrivedAtMs)
    return [stream, reason.kind, id, words.time(timeMs), arrived, partition, reasonInWords(reason, words), text]
  })
  const header = ['stream', 'class', 'id', 'time', 'arrived', 'partition', 'because', 'record']
  return { type: 'text/csv; charset=utf-8', text: stringify([header, ...rows], { escape_formulas: true }) }
}
