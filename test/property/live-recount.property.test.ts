/**
 * A live run stopped anywhere = the recount of what it has read, with its W:
 *
 * 1. whatever arrives when, whichever partitions go idle, and however often it crashes: every cell, is_final and the
 *    ledger included;
 * 2. read to the end, a run that crashed has the tables of one that did not;
 * 3. controls: with W, the floors or the arrivals left out the recount differs.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HOUR_MS } from '../../src/time/units.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import type { LineBatch } from '../../src/verify/admission.ts'
import { recountLive, type Recount } from '../../src/verify/recount.ts'
import { recountSpilled } from '../../src/verify/spill.ts'
import { checkAsyncProperty, checkProperty } from '../support/check-property.ts'
import { TEN_MS } from '../support/engine-rig.ts'
import { LiveDriver, type LiveStep } from '../support/live-driver.ts'
import { randomLog, type RandomLog } from '../support/random-log.ts'

const FILE = 'test/property/live-recount.property.test.ts'

const logs = randomLog({ maxEvents: 150 })
const partition = fc.nat(5)
const clock = fc.oneof(
  fc.integer({ min: -HOUR_MS, max: HOUR_MS }).map((ms) => TEN_MS + ms),
  fc.constantFrom(TEN_MS, TEN_MS + 2 * HOUR_MS, Infinity),
)

const steps: fc.Arbitrary<LiveStep[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ append: partition, lines: fc.integer({ min: 1, max: 8 }), arrivalMs: clock }),
    },
    { weight: 8, arbitrary: fc.record({ read: partition }) },
    { weight: 4, arbitrary: fc.record({ idle: partition }) },
    {
      weight: 4,
      arbitrary: fc.record({ advance: fc.oneof(fc.constant(-Infinity), clock.filter(Number.isFinite)) }),
    },
    { weight: 2, arbitrary: fc.constant<LiveStep>('changes') },
    { weight: 3, arbitrary: fc.constant<LiveStep>('epoch') },
    { weight: 1, arbitrary: fc.constant<LiveStep>('crash') },
  ),
  { maxLength: 120, size: 'max' },
)

function run({ plan, partitions }: RandomLog, taken: readonly LiveStep[]): LiveDriver {
  const driver = new LiveDriver(plan, partitions)
  for (const step of taken) driver.step(step)
  return driver
}

/** The recount of what a run has read; `changed` may falsify how lines arrived. */
function counted(
  { plan }: RandomLog,
  driver: LiveDriver,
  watermarkMs: number,
  changed: (batch: LineBatch) => LineBatch = (batch) => batch,
): Recount {
  const partitions = driver.blocksRead().map((part) => ({ ...part, batches: [...part.batches].map(changed) }))
  return recountLive(plan, partitions, watermarkMs, decodeUtf8)
}

describe('a live run stopped anywhere', () => {
  it('1, J1 of journal-source, W3 of admission, and Q2 of recount: has the tables of the recount at its W', () => {
    const seen = new Set<string>()
    let crashes = 0
    checkProperty(
      fc.property(logs, steps, (log, taken) => {
        const driver = run(log, taken)
        const tables = driver.tables()
        const expected = counted(log, driver, driver.watermarkMs)
        assert.deepEqual(tables, expected.tables)
        crashes += driver.crashes
        for (const row of tables.get('ledger') ?? []) seen.add(row[2] ?? '')
        for (const row of tables.get('performance') ?? []) seen.add(`final ${row.at(-1)}`)
      }),
      400,
      FILE,
    )
    assert.ok(crashes > 20, `${crashes} crashes`)
    for (const what of ['pending', 'orphan', 'future', 'late', 'counted', 'malformed', 'final true', 'final false'])
      assert.ok(seen.has(what), what)
  })

  it('1: whether the recount works in memory or spills', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(logs, steps, async (log, taken) => {
        const driver = run(log, taken)
        const { watermarkMs } = driver
        const partitions = driver.blocksRead().map(({ stream, name, batches }) => {
          return { stream, name, batches: inTurn([...batches]) }
        })
        const options = { disk: noDisk, decodeUtf8, memoryBytes: 1 << 30, watermarkMs }
        assert.deepEqual(await recountSpilled(log.plan, partitions, options), counted(log, driver, watermarkMs))
      }),
      50,
      FILE,
    )
  })

  it('2: read to its end, has the tables of a run that never crashed', () => {
    checkProperty(
      fc.property(logs, steps, (log, taken) => {
        const crashed = run(log, taken)
        const journal = crashed.wholeJournal()
        const tables = crashed.readAll()
        assert.deepEqual(tables, recountLive(log.plan, journal, Infinity, decodeUtf8).tables)
      }),
      200,
      FILE,
    )
  })

  const controls: readonly (readonly [string, (log: RandomLog, driver: LiveDriver) => Recount])[] = [
    ['W', (log, driver) => counted(log, driver, Infinity)],
    ['floors', (log, driver) => counted(log, driver, driver.watermarkMs, (b) => ({ ...b, floorMs: -Infinity }))],
    ['arrivals', (log, driver) => counted(log, driver, driver.watermarkMs, (b) => ({ ...b, arrivalMs: Infinity }))],
  ]
  for (const [what, recounted] of controls) {
    it(`3, control: a recount without ${what} differs`, () => {
      const found = fc.check(
        fc.property(logs, steps, (log, taken) => {
          const driver = run(log, taken)
          assert.deepEqual(driver.tables(), recounted(log, driver).tables)
        }),
        { numRuns: 300, seed: 7, endOnFailure: true },
      )
      assert.ok(found.failed)
    })
  }
})

const noDisk = {
  append: (): void => assert.fail('there was room in memory'),
  read: (): Iterable<string> => [],
  remove: (): void => undefined,
}

async function* inTurn<T extends LineBatch>(
  batches: readonly T[],
): AsyncGenerator<T & { lines: readonly Uint8Array[] }> {
  for (const batch of batches) yield { ...batch, lines: [...batch.lines] }
}
