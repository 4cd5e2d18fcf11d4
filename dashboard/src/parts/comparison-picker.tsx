import type { VNode } from 'preact'
import { beforeInWords } from '../format/times.ts'
import { COMPARISONS, rangeLengthMs } from '../model/page-state.ts'
import { go, view } from '../state/view-state.ts'

/** What the range is compared with. */
export function ComparisonPicker(): VNode | null {
  const state = view.value
  if (state === null) return null
  const words = {
    previous: beforeInWords(rangeLengthMs(state)),
    day: 'day before',
    week: 'week before',
    none: 'nothing',
  }
  return (
    <label class="pick" title="What it is compared with (c)">
      <span>vs</span>
      <select
        aria-label="Compared with"
        value={state.comparison.kind}
        onChange={(event) => {
          const kind = COMPARISONS.find((one) => one === event.currentTarget.value)
          if (kind !== undefined) go((now) => ({ ...now, comparison: { kind } }))
        }}
      >
        {COMPARISONS.map((kind) => (
          <option key={kind} value={kind}>
            {words[kind]}
          </option>
        ))}
        {state.comparison.kind === 'fixed' && <option value="fixed">own time</option>}
      </select>
    </label>
  )
}
