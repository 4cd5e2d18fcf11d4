/**
 * The embedded engine and the recount on random hostile logs whose times lie at every boundary of SEMANTICS:
 *
 * 1. a replay, whatever the size of reads, gives the recounted tables and classes;
 * 2. control: a recount that allows 1 ms more differs on some of these logs, so their times do lie at the boundaries;
 * 3. copies of an id lie in one partition, whatever replaced a value, unless they are to be scattered: SEMANTICS
 *    promises nothing of others.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { STREAM_NAMES, type Plan, type PlanParameters } from '../../src/pipeline/plan.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { Malformed } from '../../src/verify/parse-event.ts'
import { trimRecord } from '../../src/verify/record.ts'
import { eventParsers, recount } from '../../src/verify/recount.ts'
import { checkAsyncProperty, checkProperty } from '../support/check-property.ts'
import { replayPartitions } from '../support/engine-driver.ts'
import { randomLog, type RandomLog } from '../support/random-log.ts'

const FILE = 'test/property/random-log.property.test.ts'

/** The plan with one of its durations 1 ms longer. */
function lengthened(plan: Plan, name: keyof PlanParameters): Plan {
  return { ...plan, parameters: { ...plan.parameters, [name]: plan.parameters[name] + 1 } }
}

/** The ids with copies in more than one partition. */
function scatteredIds({ plan, partitions }: RandomLog): readonly string[] {
  const parsers = eventParsers(plan, decodeUtf8)
  const partitionOf = new Map<string, string>()
  const scattered = new Set<string>()
  for (const { stream, name, lines } of partitions) {
    for (const line of lines) {
      const event = parsers[stream](trimRecord(line))
      if (event instanceof Malformed) continue
      const id = `${stream} ${event.id}`
      if ((partitionOf.get(id) ?? name) !== name) scattered.add(id)
      partitionOf.set(id, name)
    }
  }
  return [...scattered]
}

describe('random logs: embedded engine = recount', () => {
  it('a replay gives the recounted tables and classes', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(randomLog(), fc.constantFrom(7, 500, 100_000), async ({ plan, partitions }, chunkBytes) => {
        const expected = recount(plan, partitions, decodeUtf8)
        const { tables, result } = await replayPartitions(plan, partitions, chunkBytes)
        assert.deepEqual(tables, expected.tables)
        for (const stream of STREAM_NAMES) {
          assert.deepEqual(result.ledger[stream], expected.totals[stream].classes)
          assert.equal(result.read[stream], expected.totals[stream].read)
        }
      }),
      100,
      FILE,
    )
  })

  it('3: copies of an id lie in one partition', () => {
    checkProperty(
      fc.property(randomLog(), (log) => assert.deepEqual(scatteredIds(log), [])),
      3_000,
      FILE,
    )
  })

  it('3, control: unless they are to be scattered', () => {
    const logs = fc.sample(randomLog({ scatterCopies: true }), { numRuns: 200, seed: 7 })
    assert.ok(logs.some((log) => scatteredIds(log).length > 0))
  })

  const durations = ['attributionWindowMs', 'clockSkewToleranceMs', 'outOfOrdernessMs', 'allowedLatenessMs'] as const
  for (const name of durations) {
    it(`control: 1 ms more of ${name} is noticed`, () => {
      const logs = fc.sample(randomLog(), { numRuns: 200, seed: 7 })
      const differs = logs.some(({ plan, partitions }) => {
        const [asked, longer] = [plan, lengthened(plan, name)].map((given) => recount(given, partitions, decodeUtf8))
        return JSON.stringify(asked?.totals) !== JSON.stringify(longer?.totals)
      })
      assert.ok(differs)
    })
  }
})
