/**
 * The truth of simulated traffic is what the recount finds in its bytes, for every plan, setting and seed.
 *
 * 1. Truth = recount, cell by cell, with every hostile knob on.
 * 2. Control: one line less, and they differ.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { Definition } from '../../src/pipeline/definition.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount, type Recount } from '../../src/verify/recount.ts'
import { checkProperty } from '../support/check-property.ts'
import { linesOf, makeTrafficLog, type LogPartition } from '../support/traffic-log.ts'

const share = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 100 }).map((part) => (part / 100) * max),
  )

const hostileSettings: fc.Arbitrary<Partial<TrafficSettings>> = fc.record({
  seed: fc.nat(),
  rate: fc.constantFrom(0.5, 3, 50, 2_000),
  partitions: fc.integer({ min: 1, max: 4 }),
  campaigns: fc.integer({ min: 1, max: 30 }),
  devices: fc.integer({ min: 1, max: 4 }),
  users: fc.integer({ min: 1, max: 50 }),
  skew: share(1),
  clickRatio: fc.constantFrom(0.1, 0.5, 1),
  disorderMs: fc.constantFrom(0, 2_000, 5_000, 60_000, 400_000),
  duplicates: share(0.2),
  orphans: share(0.1),
  repeats: share(0.2),
  late: share(0.1),
  malformed: share(0.1),
  edgeClicks: share(1),
  hostileNames: share(0.5),
  escapes: share(0.5),
  shuffleKeys: fc.boolean(),
  producer: fc.constantFrom('compact' as const, 'python' as const),
})

const parameters: fc.Arbitrary<NonNullable<Definition['parameters']>> = fc.record({
  windowSize: fc.constantFrom('1m', '10s', '1h'),
  attributionWindow: fc.constantFrom('30m', '2s', '1m', '3h'),
  clockSkewTolerance: fc.constantFrom('1s', '0s', '2s'),
  outOfOrderness: fc.constantFrom('5s', '0s', '1m'),
  allowedLateness: fc.constantFrom('5m', '0s', '1s', '10m'),
})

const extraDimensions = fc.constantFrom<Definition>(
  adPipeline,
  {
    ...adPipeline,
    dimensions: { ...adPipeline.dimensions, country: {}, who: { field: 'user_id', missing: 'camp-1' } },
    tables: {
      renamed: { dimensions: ['campaign_id'], measures: ['spend', 'ctr'] },
      by_country: { dimensions: ['country', 'device_type'], measures: ['impressions', 'spend'] },
      by_user: { dimensions: ['who'], measures: ['clicks'], minuteOf: 'click' },
    },
  },
  {
    ...adPipeline,
    streams: {
      ...adPipeline.streams,
      impressions: {
        ...adPipeline.streams.impressions,
        fields: {
          impression_id: 'id',
          event_timestamp: 'time',
          camp: 'text',
          cost: 'money',
          fee: 'money',
          slot: 'text',
        },
      },
    },
    dimensions: { campaign_id: { field: 'camp', missing: '(none)' }, slot: {} },
    measures: { ...adPipeline.measures, fees: { sum: 'fee' }, cpc: { ratio: ['spend', 'clicks'] } },
    tables: {
      all: { dimensions: [], measures: ['impressions', 'clicks', 'fees', 'cpc'] },
      slots: { dimensions: ['slot', 'campaign_id'], measures: ['fees'] },
    },
  },
)

const plans: fc.Arbitrary<Plan> = fc
  .tuple(extraDimensions, parameters)
  .map(([definition, given]) => freezePlan({ ...definition, parameters: given }))

function recounted(plan: Plan, partitions: readonly LogPartition[]): Recount {
  return recount(
    plan,
    partitions.map(({ stream, name, bytes }) => ({ stream, name, lines: linesOf(bytes) })),
    decodeUtf8,
  )
}

const FILE = 'test/property/traffic-truth.property.test.ts'

test('U1 and U2 of truth, and M1 of malformed-lines: the truth of simulated traffic is what the recount finds', () => {
  const property = fc.property(plans, hostileSettings, fc.integer({ min: 1, max: 1_500 }), (plan, changes, events) => {
    const { traffic, partitions } = makeTrafficLog(plan, trafficSettings(changes), events)
    const expected = recounted(plan, partitions)
    assert.deepEqual(Object.fromEntries(traffic.truth.tables()), Object.fromEntries(expected.tables))
    const { read } = traffic.truth.totals()
    assert.equal(read.impressions + read.clicks, events)
  })
  checkProperty(property, 150, FILE)
})

test('control: without its last line the log has another truth', () => {
  const plan = freezePlan(adPipeline)
  const { traffic, partitions } = makeTrafficLog(plan, trafficSettings({ seed: 3 }), 500)
  const shorter = partitions.map((partition) =>
    partition.name === 'impressions-0'
      ? { ...partition, bytes: partition.bytes.subarray(0, partition.bytes.lastIndexOf(0x0a, -2) + 1) }
      : partition,
  )
  assert.notDeepEqual(Object.fromEntries(traffic.truth.tables()), Object.fromEntries(recounted(plan, shorter).tables))
})
