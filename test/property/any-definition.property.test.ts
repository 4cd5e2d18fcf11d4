/**
 * For any sound definition, not only the one of the ad pipeline:
 *
 * 1. it becomes a plan;
 * 2. the simulated traffic made for it, the engine and the recount agree in every cell of every table.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { TRAFFIC_PRESETS, trafficSettings } from '../../src/traffic/settings.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount } from '../../src/verify/recount.ts'
import { checkProperty } from '../support/check-property.ts'
import { soundDefinitions } from '../support/definitions.ts'
import { stepPartitions, type DrivenPartition } from '../support/engine-driver.ts'
import { linesOf, makeTrafficLog, type TrafficLog } from '../support/traffic-log.ts'

const FILE = 'test/property/any-definition.property.test.ts'

function makeLog(plan: Plan, seed: number): TrafficLog {
  return makeTrafficLog(plan, trafficSettings({ ...TRAFFIC_PRESETS.hostile, seed, rate: 20, partitions: 2 }), 400)
}

function driven(log: TrafficLog): DrivenPartition[] {
  return log.partitions.map(({ stream, bytes }) => ({ stream, lines: [...linesOf(bytes)] }))
}

test('traffic, engine and recount agree under any definition', () => {
  checkProperty(
    fc.property(soundDefinitions, fc.nat(), (definition, seed) => {
      const plan = planOf(definition)
      const log = makeLog(plan, seed)
      const partitions = driven(log)
      const named = partitions.map((partition, index) => ({ ...partition, name: String(index) }))
      const expected = recount(plan, named, decodeUtf8)
      assert.deepEqual(stepPartitions(plan, partitions, []).tables, expected.tables)
      assert.deepEqual(log.traffic.truth.tables(), expected.tables)
    }),
    120,
    FILE,
  )
})

test('control: the logs fill the tables they are compared by', () => {
  const definitions = fc.sample(soundDefinitions, { numRuns: 40, seed: 7 })
  const plans = definitions.map((definition) => planOf(definition))
  assert.ok(plans.some((plan) => plan.dimensions.length === 0) && plans.some((plan) => plan.dimensions.length > 5))
  for (const plan of plans) {
    const partitions = driven(makeLog(plan, 7)).map((partition, index) => ({ ...partition, name: String(index) }))
    const rows = [...recount(plan, partitions, decodeUtf8).tables.values()].map((table) => table.length)
    assert.ok(
      rows.every((count) => count > 0),
      rows.join(' '),
    )
  }
})
