import type { VNode } from 'preact'
import { GRAINS } from '../../../src/query/view-query.ts'
import { page } from '../live/store.ts'
import { whyNot } from '../model/answerable.ts'
import { splitOf } from '../model/answer-screen.ts'
import { isOnClickAxis, measureOf, withMeasure } from '../model/page-state.ts'
import { go, view } from '../state/view-state.ts'

/** What the main chart draws: measure, dimension, grain, and for clicks the axis. */
export function ChartChoice(): VNode | null {
  const plan = page.value
  const state = view.value
  if (plan === null || state === null) return null
  return (
    <div class="choice">
      <label class="pick" title="Measure (m)">
        <select
          aria-label="Measure"
          value={state.measure}
          onChange={(event) => {
            const { value } = event.currentTarget
            go((now) => withMeasure(plan, now, value))
          }}
        >
          {plan.measures.map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label class="pick" title="Split by (d)">
        <select
          aria-label="Split by"
          value={splitOf(plan, state) ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget
            go((now) => ({ ...now, split: value === '' ? null : value }))
          }}
        >
          {plan.boards.map(({ dimension }) => {
            const reason = whyNot(plan, state, dimension.name)
            return (
              <option key={dimension.name} value={dimension.name} disabled={reason !== undefined} title={reason}>
                by {dimension.label}
              </option>
            )
          })}
          <option value="">whole</option>
        </select>
      </label>
      {isOnClickAxis(measureOf(plan, state)) && (
        <label class="pick" title="The minute a counted click is shown at">
          <select
            aria-label="Time axis"
            value={state.axis}
            onChange={(event) => {
              const axis = event.currentTarget.value === 'click' ? 'click' : 'impression'
              go((now) => ({ ...now, axis }))
            }}
          >
            <option value="impression">at the impression</option>
            <option value="click">at the click</option>
          </select>
        </label>
      )}
      <label class="pick" title="What one point stands for">
        <select
          aria-label="Grain"
          value={state.grain}
          onChange={(event) => {
            const grain = GRAINS.find((one) => one === event.currentTarget.value) ?? 'auto'
            go((now) => ({ ...now, grain }))
          }}
        >
          {['auto', ...GRAINS].map((grain) => (
            <option key={grain} value={grain}>
              {grain}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}
