import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { TimeAxis } from '../../../src/pipeline/plan.ts'
import { GRAINS } from '../../../src/query/view-query.ts'
import { formatWhole } from '../format/times.ts'
import { page } from '../live/store.ts'
import { measuresKept, whyNot } from '../model/answerable.ts'
import { GRAINS_MS } from '../model/answer-screen.ts'
import { splitOf } from '../model/view-question.ts'
import { isOnClickAxis, measureOf, withMeasure, type PageState } from '../model/page-state.ts'
import { go, view } from '../state/view-state.ts'
import { PickList } from './pick-list.tsx'

const AXES: readonly { value: TimeAxis; text: string }[] = [
  { value: 'impression', text: 'at the impression' },
  { value: 'click', text: 'at the click' },
]
const GRAIN_OPTIONS = (['auto', ...GRAINS] as const).map((grain) => ({
  value: grain,
  text: grain === 'auto' ? grain : formatWhole(GRAINS_MS[grain]),
}))

/** What the main chart draws: measure, dimension, grain, and for clicks the axis. */
export function ChartChoice(): VNode | null {
  const plan = page.value
  const state = view.value
  if (plan === null || state === null) return null
  return (
    <div class="choice">
      <PickList
        label="Measure"
        title="Measure (m)"
        value={state.measure}
        options={measuresKept(plan).map(({ name, label }) => ({ value: name, text: label }))}
        onPick={(measure) => go((now) => withMeasure(plan, now, measure))}
      />
      <SplitPick plan={plan} state={state} />
      {isOnClickAxis(measureOf(plan, state)) && (
        <PickList
          label="Time axis"
          title="The minute a counted click is shown at"
          value={state.axis}
          options={AXES}
          onPick={(axis) => go((now) => ({ ...now, axis }))}
        />
      )}
      <PickList
        label="Grain"
        title="What one point stands for"
        value={state.grain}
        options={GRAIN_OPTIONS}
        onPick={(grain) => go((now) => ({ ...now, grain }))}
      />
    </div>
  )
}

function SplitPick({ plan, state }: { plan: PagePlan; state: PageState }): VNode {
  const dimensions = plan.boards.map(({ dimension: { name, label } }) => ({
    value: name,
    text: `by ${label}`,
    refused: whyNot(plan, state, name),
  }))
  return (
    <PickList
      label="Split by"
      title="Split by (d)"
      value={splitOf(plan, state) ?? ''}
      options={[...dimensions, { value: '', text: 'whole' }]}
      onPick={(split) => go((now) => ({ ...now, split: split === '' ? null : split }))}
    />
  )
}
