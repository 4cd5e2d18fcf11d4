/**
 * What was looked at for samples of a class, and why there are none, in sentences.
 */
import type { SampleAnswer } from '../../../src/query/sample-answer.ts'
import { formatBytes } from '../format/numbers.ts'
import { formatMoment } from '../format/times.ts'

/**
 * Why there are no samples. Only of what depends on its own time alone, none in what was looked at means that none
 * came.
 */
export function noneInWords({ class: eventClass, toldFromMs, elsewhere }: SampleAnswer, zone: string): string {
  const isTimed = eventClass === 'late' || eventClass === 'future'
  if (!isTimed && elsewhere.length > 0) return 'None can be told for certain without those partitions.'
  if (toldFromMs === null) return 'None came in what was looked at.'
  return `None can be told for certain in what was looked at: that needs what came up to ${formatMoment(toldFromMs, zone)}.`
}

/** How much was looked at, and from when on it is enough. */
export function lookedInWords(answer: SampleAnswer, zone: string): string {
  const { looked, topics, elsewhere, toldFromMs, watermarkMs } = answer
  const all =
    looked.fromMs === null ? 'all that the journal holds' : `what came since ${formatMoment(looked.fromMs, zone)}`
  const share = looked.bytes < looked.ofBytes ? `, ${formatBytes(looked.bytes)} of ${formatBytes(looked.ofBytes)}` : ''
  const isPart = toldFromMs !== null && toldFromMs < (watermarkMs ?? Infinity) && elsewhere.length === 0
  const told = isPart ? `; certain for events from ${formatMoment(toldFromMs, zone)} on` : ''
  const whole = topics.length === 0 ? '' : `, and ${topics.length} partitions of topics, whole`
  return `Looked at: ${all}${share}${told}${whole}.`
}
