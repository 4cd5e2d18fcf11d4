/**
 * The ledger by its invariants E1 to E3, against a map.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  CLICKS_STREAM,
  COUNTED,
  IMPRESSIONS_STREAM,
  Ledger,
  LATE,
  ORPHAN,
  PENDING,
} from '../../../src/engine/ledger.ts'
import { EVENT_CLASSES, STREAM_NAMES } from '../../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { checkProperty } from '../../support/check-property.ts'
import { TEN_MS } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/ledger.test.ts'

/** Applies changes as a table would: absolute values, 0 removes. */
function apply(table: Map<string, number>, ledger: Ledger): void {
  const changes = ledger.takeChanges()
  const keys = new Set<string>()
  for (let row = 0; row < changes.count; row++) {
    const key = `${changes.windowStartMs[row]} ${changes.stream[row]} ${changes.eventClass[row]}`
    assert.ok(!keys.has(key), 'a cell stands twice in one change set')
    keys.add(key)
    const events = changes.events[row] ?? NaN
    if (events === 0) table.delete(key)
    else table.set(key, events)
  }
}

const additions = fc.array(
  fc.record({
    stream: fc.nat(STREAM_NAMES.length - 1),
    eventClass: fc.nat(EVENT_CLASSES.length - 1),
    timeMs: fc.oneof(fc.nat(4 * MINUTE_MS), fc.integer({ min: 946_684_800_000, max: 4_133_980_799_999 })),
    events: fc.integer({ min: -3, max: 9 }),
    take: fc.boolean(),
  }),
  { maxLength: 3_000, size: 'max' },
)

describe('ledger', () => {
  it('E2: totals are the sums of the cells, and what is handed out adds up to them', () => {
    checkProperty(
      fc.property(additions, fc.constantFrom(1_000, MINUTE_MS, 86_400_000), (drawn, windowSizeMs) => {
        const ledger = new Ledger(windowSizeMs)
        const table = new Map<string, number>()
        const cells = new Map<string, number>()
        for (const { stream, eventClass, timeMs, events, take } of drawn) {
          ledger.add(stream, eventClass, timeMs, events)
          const startMs = Math.floor(timeMs / windowSizeMs) * windowSizeMs
          const key = `${startMs} ${STREAM_NAMES[stream]} ${EVENT_CLASSES[eventClass]}`
          const sum = (cells.get(key) ?? 0) + events
          if (sum === 0) cells.delete(key)
          else cells.set(key, sum)
          if (take) apply(table, ledger)
        }
        apply(table, ledger)
        assert.deepEqual(table, cells)
        STREAM_NAMES.forEach((name, stream) =>
          EVENT_CLASSES.forEach((eventClass, code) => {
            const rows = [...cells].filter(([key]) => key.endsWith(` ${name} ${eventClass}`))
            const sum = rows.reduce((total, [, events]) => total + events, 0)
            assert.equal(ledger.totalOf(stream, code), sum)
          }),
        )
      }),
      60,
      FILE,
    )
  })

  it('E1: the difference is what was read and put in no class', () => {
    const ledger = new Ledger(MINUTE_MS)
    ledger.read(IMPRESSIONS_STREAM, 3)
    ledger.add(IMPRESSIONS_STREAM, COUNTED, TEN_MS, 2)
    assert.equal(ledger.differenceOf(IMPRESSIONS_STREAM), 1)
    assert.equal(ledger.differenceOf(CLICKS_STREAM), 0)
    ledger.add(IMPRESSIONS_STREAM, LATE, TEN_MS, 1)
    assert.equal(ledger.differenceOf(IMPRESSIONS_STREAM), 0)
    assert.equal(ledger.readOf(IMPRESSIONS_STREAM), 3)
  })

  it('E3: a cell that is empty again is handed out as 0, once', () => {
    const ledger = new Ledger(MINUTE_MS)
    ledger.add(CLICKS_STREAM, PENDING, TEN_MS + 1, 1)
    ledger.takeChanges()
    ledger.move(CLICKS_STREAM, PENDING, ORPHAN, TEN_MS + 1)
    const changes = ledger.takeChanges()
    assert.deepEqual(changes.eventClass, ['pending', 'orphan'])
    assert.deepEqual(changes.events, [0, 1])
    assert.deepEqual(changes.windowStartMs, [TEN_MS, TEN_MS])
    assert.equal(ledger.takeChanges().count, 0)
  })
})
