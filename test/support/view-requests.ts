/**
 * Requests of views that a plan allows, of every form: what they name is drawn from the plan.
 */
import fc from 'fast-check'
import type { Plan, TimeAxis } from '../../src/pipeline/plan.ts'
import { viewMeasures } from '../../src/query/view-measures.ts'
import { GRAINS, type ViewRequest } from '../../src/query/view-query.ts'
import { GRAIN_MS } from '../../src/query/check-view.ts'
import { HOUR_MS } from '../../src/time/units.ts'

/** Zones with halves and quarters of hours, without and with clocks that change, also at midnight. */
export const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Asia/Beirut',
  'Pacific/Apia',
] as const

export interface DrawnFrom {
  /** Members to name in filters; any text when left out. */
  readonly members?: fc.Arbitrary<string>
  /** Times of fixed ranges. */
  readonly fromMs: number
  readonly toMs: number
}

/** Requests that `checkView` passes. */
export function viewRequests(plan: Plan, { members, fromMs, toMs }: DrawnFrom): fc.Arbitrary<ViewRequest> {
  const member = members ?? fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'))
  const dimension = fc.constantFrom(...plan.dimensions.map(({ name }) => name))
  const time = fc.integer({ min: fromMs, max: toMs })
  const range = fc.oneof(
    fc.record({ kind: fc.constant('last' as const), lengthMs: fc.integer({ min: 1, max: toMs - fromMs }) }),
    fc
      .tuple(time, time)
      .map(([a, b]) => ({ kind: 'fixed' as const, startMs: Math.min(a, b), endMs: Math.max(a, b) + 1 })),
  )
  const comparison = fc.oneof(
    fc.constantFrom(...(['previous', 'day', 'week'] as const)).map((kind) => ({ kind })),
    time.map((startMs) => ({ kind: 'fixed' as const, startMs: startMs - HOUR_MS })),
  )
  const filters = fc.uniqueArray(
    fc.record({
      dimension,
      mode: fc.constantFrom('include' as const, 'exclude' as const),
      members: fc.uniqueArray(member, { minLength: 1, maxLength: 4 }),
    }),
    { selector: ({ dimension: name, mode }) => `${name} ${mode}`, maxLength: 3 },
  )
  const measured = (['impression', 'click'] as const).filter((axis) =>
    viewMeasures(plan).some((measure) => measure.axes.includes(axis)),
  )
  const axes = fc.constantFrom<TimeAxis>(...measured)
  const series = axes.chain((axis) =>
    fc.record(
      {
        split: fc.option(dimension),
        top: fc.integer({ min: 1, max: 6 }),
        orderBy: orders(plan, axis),
        axis: fc.constant(axis),
      },
      { requiredKeys: ['axis'] },
    ),
  )
  return axes.chain((axis) =>
    fc.record(
      {
        range,
        axis: fc.constant(axis),
        zone: fc.constantFrom(...ZONES),
        grain: fc.constantFrom(
          'auto' as const,
          ...GRAINS.filter((grain) => GRAIN_MS[grain] >= plan.parameters.windowSizeMs),
        ),
        filters,
        comparison,
        totals: fc.boolean(),
        series: fc.array(series, { maxLength: 3 }),
        ranks: fc.array(
          fc.record(
            {
              dimension,
              orderBy: orders(plan, axis),
              limit: fc.integer({ min: 1, max: 20 }),
              offset: fc.integer({ min: 0, max: 5 }),
              search: fc.oneof(fc.constantFrom('', 'a', '-1', '%', '\\', 'É'), member),
              ignoreOwnFilter: fc.boolean(),
            },
            { requiredKeys: ['dimension'] },
          ),
          { maxLength: 3 },
        ),
      },
      { requiredKeys: ['axis', 'comparison', 'range'] },
    ),
  )
}

function orders(
  plan: Plan,
  axis: TimeAxis,
): fc.Arbitrary<NonNullable<NonNullable<ViewRequest['ranks']>[0]['orderBy']>> {
  const measures = viewMeasures(plan).filter(({ axes }) => axes.includes(axis))
  return fc.constantFrom(...measures).chain(({ name, denominator }) =>
    fc.record({
      by: fc.constant(name),
      of: fc.constantFrom<'value' | 'change' | 'share'>('value', 'change', denominator === null ? 'share' : 'value'),
      direction: fc.constantFrom('desc' as const, 'asc' as const),
    }),
  )
}
