/**
 * What is shown while the answer to what is asked has not come, in words.
 */
import { formatMoment, rangeInWords } from '../format/times.ts'
import type { PageState } from './page-state.ts'

/** What is shown and what is asked, by what tells them apart. */
export interface Still {
  readonly shown: string
  readonly asked: string
}

/** Both in words: `the last hour`, `the last 15 min`. */
export function stillInWords(shown: PageState, asked: PageState): Still {
  const ranges = { shown: rangeText(shown), asked: rangeText(asked) }
  if (ranges.shown !== ranges.asked) return ranges
  if (JSON.stringify(shown.filters) !== JSON.stringify(asked.filters))
    return { shown: 'the numbers of other filters', asked: 'those of these filters' }
  if (JSON.stringify(shown.comparison) !== JSON.stringify(asked.comparison))
    return { shown: 'the comparison of before', asked: 'the new one' }
  return { shown: 'what was asked before', asked: 'what is asked now' }
}

function rangeText({ range, zone }: PageState): string {
  if (range.kind === 'last') return `the ${rangeInWords(range.lengthMs)}`
  return `${formatMoment(range.startMs, zone)} to ${formatMoment(range.endMs, zone)}`
}
