/**
 * Deduplication by its invariants D1 to D3, against a list that forgets nothing.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DUPLICATE, IMPRESSIONS_STREAM, Ledger } from '../../../src/engine/ledger.ts'
import { Deduplicate } from '../../../src/engine/operators/deduplicate.ts'
import { Granule, MAX_GRANULE_ROWS } from '../../../src/engine/state/granule.ts'
import { hashKeysFrom } from '../../../src/engine/state/id-hashes.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { checkProperty } from '../../support/check-property.ts'
import { lanesOf, RANDOM_KEYS, TEN_MS } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/deduplicate.test.ts'

interface Event {
  readonly id: number
  readonly timeMs: number
}

class Deduplication {
  readonly ledger = new Ledger(MINUTE_MS)
  readonly operator: Deduplicate<Granule>

  constructor(reachMs: number, retentionMs: number) {
    this.operator = new Deduplicate({
      stream: IMPRESSIONS_STREAM,
      ledger: this.ledger,
      hashKeys: hashKeysFrom(RANDOM_KEYS),
      reachMs,
      retentionMs,
      createGranule: (capacity, hashes) => new Granule(capacity, hashes),
    })
  }

  /** Runs one batch; returns the rows that are new. */
  run(events: readonly Event[]): number[] {
    const ids = lanesOf(...events.map(({ id }) => id))
    const timeMs = Float64Array.from(events, (event) => event.timeMs)
    const rows = Int32Array.from(events, (_, row) => row)
    const count = this.operator.run(ids, timeMs, rows, events.length)
    return Array.from(this.operator.fresh.subarray(0, count))
  }

  get duplicates(): number {
    return this.ledger.totalOf(IMPRESSIONS_STREAM, DUPLICATE)
  }
}

/** SEMANTICS, word by word: an event of this id was accepted before, at most `reachMs` away. */
class Remembered {
  readonly #accepted = new Map<number, number[]>()
  readonly #reachMs: number

  constructor(reachMs: number) {
    this.#reachMs = reachMs
  }

  accept({ id, timeMs }: Event): boolean {
    const times = this.#accepted.get(id) ?? []
    if (times.some((other) => Math.abs(other - timeMs) <= this.#reachMs)) return false
    this.#accepted.set(id, [...times, timeMs])
    return true
  }
}

/** What happens to a deduplicator: the watermark passes, and a batch of events comes that are not late. */
const steps = fc.array(
  fc.record({
    passMs: fc.oneof(fc.nat(3_000), fc.nat(200_000)),
    events: fc.array(fc.record({ id: fc.nat(12), aheadMs: fc.oneof(fc.nat(20_000), fc.nat(300_000)) }), {
      maxLength: 30,
    }),
  }),
  { maxLength: 30, size: 'max' },
)

const reaches = fc.record({
  reachMs: fc.constantFrom(0, 1, 2_000, 70_000),
  latenessMs: fc.constantFrom(0, 500, 5_000),
})

/** Whether a deduplicator that forgets agrees with a list that does not. */
function agrees(
  taken: readonly { passMs: number; events: readonly { id: number; aheadMs: number }[] }[],
  { reachMs, latenessMs, retentionMs }: { reachMs: number; latenessMs: number; retentionMs: number },
): boolean {
  const deduplication = new Deduplication(reachMs, retentionMs)
  const remembered = new Remembered(reachMs)
  let watermarkMs = TEN_MS
  return taken.every(({ passMs, events }) => {
    watermarkMs += passMs
    deduplication.operator.expire(watermarkMs)
    const batch = events.map(({ id, aheadMs }) => ({ id, timeMs: watermarkMs - latenessMs + aheadMs }))
    const expected = batch.flatMap((event, row) => (remembered.accept(event) ? [row] : []))
    return String(deduplication.run(batch)) === String(expected)
  })
}

describe('deduplication', () => {
  it('D1, D2: forgets no id too early, however ids lie in granules', () => {
    checkProperty(
      fc.property(steps, reaches, (taken, { reachMs, latenessMs }) =>
        agrees(taken, { reachMs, latenessMs, retentionMs: reachMs + latenessMs }),
      ),
      300,
      FILE,
    )
  })

  it('D1, control: a retention much shorter than the reach shows', () => {
    const taken = [
      { passMs: 0, events: [{ id: 1, aheadMs: 0 }] },
      { passMs: 66_000, events: [{ id: 2, aheadMs: 300_000 }] },
      { passMs: 3_000, events: [{ id: 1, aheadMs: 0 }] },
    ]
    const parameters = { reachMs: 70_000, latenessMs: 0 }
    assert.ok(agrees(taken, { ...parameters, retentionMs: 70_000 }))
    assert.ok(!agrees(taken, { ...parameters, retentionMs: 10 }))
  })

  it('at most the reach away is a duplicate, on either side; 1 ms more is not', () => {
    const at = (timeMs: number): Event => ({ id: 1, timeMs: TEN_MS + timeMs })
    for (const reachMs of [0, 1_000, 2_100_000]) {
      const deduplication = new Deduplication(reachMs, 2 * reachMs)
      const batch = [at(0), at(reachMs), at(-reachMs), at(reachMs + 1), at(-reachMs - 1)]
      assert.deepEqual(deduplication.run(batch), reachMs === 0 ? [0, 3, 4] : [0, 3, 4])
      assert.equal(deduplication.duplicates, 2)
    }
  })

  it('D2: finds an id behind others of its very millisecond, more than a granule holds', () => {
    const deduplication = new Deduplication(1_000, 1_000)
    const first = Array.from({ length: MAX_GRANULE_ROWS + 5 }, (_, id) => ({ id, timeMs: TEN_MS }))
    assert.equal(deduplication.run(first).length, first.length)
    assert.equal(deduplication.operator.granules.list.length, 2)
    const again = [0, 1, MAX_GRANULE_ROWS - 1, MAX_GRANULE_ROWS, MAX_GRANULE_ROWS + 5]
    assert.deepEqual(deduplication.run(again.map((id) => ({ id, timeMs: TEN_MS }))), [4])
  })

  it('D3: of two in one batch the first wins', () => {
    const deduplication = new Deduplication(1_000, 1_000)
    const event = { id: 1, timeMs: TEN_MS }
    assert.deepEqual(deduplication.run([event, { id: 2, timeMs: TEN_MS }, event, event]), [0, 1])
    assert.equal(deduplication.duplicates, 2)
  })

  it('tells where each new row was put', () => {
    const deduplication = new Deduplication(1_000, 1_000)
    const events = [5, 5, 9, 70_000, 12].map((ms, id) => ({ id, timeMs: TEN_MS + ms }))
    const fresh = deduplication.run(events)
    fresh.forEach((source, j) => {
      const granule = deduplication.operator.freshGranule[j]
      const row = deduplication.operator.freshRow[j] ?? -1
      assert.equal(granule?.timeMsOf(row), events[source]?.timeMs)
      assert.deepEqual(granule?.ids.slice(row * 4, row * 4 + 4), lanesOf(source))
    })
  })
})
