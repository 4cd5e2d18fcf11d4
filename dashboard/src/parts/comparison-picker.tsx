import type { VNode } from 'preact'
import { beforeInWords } from '../format/times.ts'
import { COMPARISONS, rangeLengthMs } from '../model/page-state.ts'
import { go, view } from '../state/view-state.ts'
import { PickList } from './pick-list.tsx'

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
  const { kind: chosen } = state.comparison
  if (state.isKiosk) return <span class="chip">vs {chosen === 'fixed' ? 'own time' : words[chosen]}</span>
  const fixed = state.comparison.kind === 'fixed' ? [{ value: 'fixed' as const, text: 'own time' }] : []
  return (
    <PickList
      prefix="vs"
      label="Compared with"
      title="What it is compared with (c)"
      value={state.comparison.kind}
      options={[...COMPARISONS.map((kind) => ({ value: kind, text: words[kind] })), ...fixed]}
      onPick={(kind) => {
        if (kind !== 'fixed') go((now) => ({ ...now, comparison: { kind } }))
      }}
    />
  )
}
