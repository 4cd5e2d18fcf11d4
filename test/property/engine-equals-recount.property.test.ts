/**
 * The embedded engine and the recount give the same tables, on hostile traffic:
 *
 * 1. a replay, whatever the size of reads, equals the recount in every cell of every table;
 * 2. any batch split, any interleaving of partitions, any calls of advance and changes in between leave no trace;
 * 3. no final cell ever changes, and the ledger balances after every step;
 * 4. control: a recount under other parameters differs.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount } from '../../src/verify/recount.ts'
import { checkProperty } from '../support/check-property.ts'
import { replayPartitions, stepPartitions, type Step } from '../support/engine-driver.ts'
import { hostileLogs, type DrivenLog } from '../support/traffic-log.ts'

const FILE = 'test/property/engine-equals-recount.property.test.ts'

const duration = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts)

const parameters: fc.Arbitrary<ParametersDefinition> = fc.record({
  windowSize: duration('1m', '10s', '15m'),
  attributionWindow: duration('30m', '1m', '5s', '2h'),
  clockSkewTolerance: duration('1s', '0s', '5s'),
  outOfOrderness: duration('5s', '0s', '1m'),
  allowedLateness: duration('5m', '0s', '500ms', '10s'),
})

const logs = hostileLogs(parameters)

function expectedTables({ plan, partitions }: DrivenLog): ReturnType<typeof recount>['tables'] {
  return recount(
    plan,
    partitions.map((partition, i) => ({ ...partition, name: String(i) })),
    decodeUtf8,
  ).tables
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ read: fc.nat(5), lines: fc.integer({ min: 1, max: 200 }) }) },
    { weight: 2, arbitrary: fc.constant<Step>('advance') },
    { weight: 1, arbitrary: fc.constant<Step>('changes') },
    { weight: 1, arbitrary: fc.constant<Step>('final') },
  ),
  { maxLength: 60 },
)

describe('embedded engine = recount', () => {
  it('a replay gives the recounted tables, whatever the size of reads', async () => {
    const cases: [DrivenLog, number][] = []
    checkProperty(
      fc.property(logs, fc.constantFrom(7, 1_000, 100_000), (log, chunkBytes) => void cases.push([log, chunkBytes])),
      40,
      FILE,
    )
    for (const [log, chunkBytes] of cases) {
      const { tables, result } = await replayPartitions(log.plan, log.partitions, chunkBytes)
      assert.deepEqual(tables, expectedTables(log))
      for (const table of tables) assert.equal(result.cells[table[0]], table[1].length, `rows of ${table[0]}`)
    }
  })

  it('no split, interleaving or look in between leaves a trace', () => {
    checkProperty(
      fc.property(logs, steps, (log, taken) => {
        const { tables, brokenFinals, imbalances } = stepPartitions(log.plan, log.partitions, taken)
        assert.deepEqual(tables, expectedTables(log))
        assert.deepEqual(brokenFinals, [])
        assert.deepEqual(imbalances, [])
      }),
      80,
      FILE,
    )
  })

  it('control: other parameters give other tables', () => {
    const [log] = fc.sample(
      logs.filter(({ partitions }) => partitions.some(({ lines }) => lines.length > 300)),
      {
        numRuns: 1,
        seed: 7,
      },
    )
    assert.ok(log)
    const other = freezePlan({ ...adPipeline, parameters: { attributionWindow: '1s', clockSkewTolerance: '0s' } })
    assert.notDeepEqual(stepPartitions(other, log.partitions, []).tables, expectedTables(log))
  })
})
