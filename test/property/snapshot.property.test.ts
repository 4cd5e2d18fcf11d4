/**
 * Restarts leave no trace, on hostile logs:
 *
 * 1. a run that is saved and restored at any points hands out the same change sets as one that is not, and ends in the
 *    recounted tables, whatever is carried when;
 * 2. equal runs save equal bytes;
 * 3. controls: a chain with one kind of section left out gives something else, or is refused.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ByteReader } from '../../src/engine/snapshot/bytes.ts'
import { readHead } from '../../src/engine/snapshot/granule-rows.ts'
import { SECTION } from '../../src/engine/snapshot/payload.ts'
import type { CarryPolicy } from '../../src/engine/snapshot/save.ts'
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount } from '../../src/verify/recount.ts'
import { checkProperty } from '../support/check-property.ts'
import { SnapshotStore, stepPartitions, type Step } from '../support/engine-driver.ts'
import { randomLog } from '../support/random-log.ts'
import { withoutSections } from '../support/snapshot-sections.ts'
import { hostileLogs, type DrivenLog } from '../support/traffic-log.ts'

const FILE = 'test/property/snapshot.property.test.ts'

const duration = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts)

const parameters: fc.Arbitrary<ParametersDefinition> = fc.record({
  windowSize: duration('1m', '10s'),
  attributionWindow: duration('1m', '5s', '30m'),
  clockSkewTolerance: duration('1s', '0s', '5s'),
  outOfOrderness: duration('5s', '0s', '1m'),
  allowedLateness: duration('10s', '0s', '500ms', '5m'),
})

const logs: fc.Arbitrary<DrivenLog> = fc.oneof(hostileLogs(parameters), randomLog({ maxEvents: 120 }))

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ read: fc.nat(5), lines: fc.integer({ min: 1, max: 100 }) }) },
    { weight: 3, arbitrary: fc.constant<Step>('advance') },
    { weight: 3, arbitrary: fc.constant<Step>('changes') },
    { weight: 1, arbitrary: fc.constant<Step>('final') },
    { weight: 4, arbitrary: fc.constant<Step>('ahead') },
    { weight: 4, arbitrary: fc.constant<Step>('snapshot') },
    { weight: 2, arbitrary: fc.constant<Step>('restart') },
  ),
  { maxLength: 80, size: 'max' },
)

const policies: fc.Arbitrary<CarryPolicy> = fc.constantFrom(
  { slackBytes: 0, maxPayloads: 3, stepBytes: 1, aheadRows: 1 },
  { slackBytes: 0, maxPayloads: 1_000, stepBytes: 500, aheadRows: 7 },
  { slackBytes: 1 << 20, maxPayloads: 5, stepBytes: 1 << 16 },
)

const isSave = (step: Step): boolean => step === 'snapshot' || step === 'restart'

type IsLeftOut = (kind: number, body: ByteReader) => boolean

/** Loses some sections of what it keeps. */
class Forgetful extends SnapshotStore {
  readonly #isLeftOut: IsLeftOut

  constructor(isLeftOut: IsLeftOut) {
    super()
    this.#isLeftOut = isLeftOut
  }

  override chain(): Uint8Array[] {
    return super.chain().map((payload) => withoutSections(payload, this.#isLeftOut))
  }
}

const hasNoNewRows = (body: ByteReader): boolean => {
  const { from, to } = readHead(body)
  return from === to
}

const leftOut: readonly (readonly [string, IsLeftOut])[] = [
  ['impressions', (kind) => kind === SECTION.impressionRows],
  ['clicks', (kind) => kind === SECTION.clickRows],
  ['changes of older impressions', (kind, body) => kind === SECTION.impressionRows && hasNoNewRows(body)],
  ['changes of older clicks', (kind, body) => kind === SECTION.clickRows && hasNoNewRows(body)],
  ['cells', (kind) => kind === SECTION.cells],
  ['numbers of tuples', (kind) => kind === SECTION.tuples],
  ['texts', (kind) => kind === SECTION.texts],
  ['cells of the ledger', (kind) => kind === SECTION.ledger],
  ['differences that wait', (kind) => kind === SECTION.differences],
]

describe('snapshots', () => {
  it('1, G5 of engine.ts: restarts at any points change nothing that is handed out, and nothing of the tables (E4 of ledger.ts, L4 of cell-block, Y4 of key-table)', () => {
    checkProperty(
      fc.property(logs, steps, policies, (log, taken, carryPolicy) => {
        const { plan, partitions } = log
        const restarted = stepPartitions(plan, partitions, taken, { carryPolicy })
        const straight = stepPartitions(
          plan,
          partitions,
          taken.filter((step) => !isSave(step)),
        )
        assert.deepEqual(restarted.handedOut, straight.handedOut)
        assert.deepEqual([...restarted.imbalances, ...restarted.brokenFinals], [])
        const named = partitions.map((partition, i) => ({ ...partition, name: String(i) }))
        assert.deepEqual(restarted.tables, recount(plan, named, decodeUtf8).tables)
        assert.equal(restarted.pipeline.eventsRead, straight.pipeline.eventsRead)
        assert.deepEqual(restarted.pipeline.nextLineOf, straight.pipeline.nextLineOf)
      }),
      150,
      FILE,
    )
  })

  it('2, S5 of save.ts: equal runs save equal bytes', () => {
    checkProperty(
      fc.property(logs, steps, policies, (log, taken, carryPolicy) => {
        const [first, second] = [0, 1].map(() => stepPartitions(log.plan, log.partitions, taken, { carryPolicy }))
        assert.deepEqual(second?.snapshots.added, first?.snapshots.added)
      }),
      30,
      FILE,
    )
  })

  for (const [what, isLeftOut] of leftOut) {
    it(`3, control: without ${what} a restart leaves a trace, or is refused`, () => {
      const found = fc.check(
        fc.property(logs, steps, (log, taken) => {
          const snapshots = new Forgetful(isLeftOut)
          const restarted = stepPartitions(log.plan, log.partitions, taken, { snapshots })
          const kept = taken.filter((step) => !isSave(step))
          assert.deepEqual(restarted.handedOut, stepPartitions(log.plan, log.partitions, kept).handedOut)
        }),
        { numRuns: 300, seed: 7, endOnFailure: true },
      )
      assert.ok(found.failed)
    })
  }
})
