/**
 * Granules of a stream by their invariants R1 to R3, and how their length follows the rate.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Granule, MAX_GRANULE_ROWS } from '../../../src/engine/state/granule.ts'
import { Granules } from '../../../src/engine/state/granules.ts'
import { hashKeysFrom, IdHashes } from '../../../src/engine/state/id-hashes.ts'
import { checkProperty } from '../../support/check-property.ts'
import { lanesOf, RANDOM_KEYS, TEN_MS } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/granules.test.ts'
const RETENTION_MS = 60_000

const hashes = new IdHashes(hashKeysFrom(RANDOM_KEYS))

function newGranules(): Granules<Granule> {
  return new Granules(RETENTION_MS, (capacity) => new Granule(capacity, hashes))
}

const lanes = lanesOf(1)
let nextId = 0

/** Appends `count` rows of one event time. */
function append(granules: Granules<Granule>, timeMs: number, count: number = 1): Granule {
  let granule = granules.forAppend(timeMs)
  for (let i = 0; i < count; i++) {
    if (!granule.takes(timeMs)) granule = granules.forAppend(timeMs)
    // Ids do not matter here, but equal ones would make the index slow.
    lanes[0] = nextId++
    granule.append(lanes, 0, timeMs)
  }
  granules.rows += count
  return granule
}

function timesIn(granules: Granules<Granule>): number[] {
  return granules.list.flatMap((granule) => Array.from({ length: granule.count }, (_, row) => granule.timeMsOf(row)))
}

function assertOrdered({ list }: Granules<Granule>): void {
  list.forEach((granule, i) => {
    const next = list[i + 1]
    if (next === undefined) return
    const isSame = next.startMs === granule.startMs && next.endMs === granule.endMs
    assert.ok(isSame || next.startMs >= granule.endMs, `R1: ${granule.endMs} and ${next.startMs}`)
    if (isSame) assert.equal(granule.count, MAX_GRANULE_ROWS, 'R2: only the last of a stretch has room')
  })
}

describe('granules', () => {
  it('R1: are sorted and apart, and hold every row, in any order of times', () => {
    const time = fc.oneof(
      fc.integer({ min: 0, max: 400_000 }),
      fc.integer({ min: 0, max: 50 }).map((n) => n * 65_536),
      fc.constantFrom(86_400_000 * 365, 86_400_000 * 365 + 1),
    )
    const rows = fc.array(fc.tuple(time, fc.integer({ min: 1, max: 40 })), { maxLength: 120, size: 'max' })
    checkProperty(
      fc.property(rows, (drawn) => {
        const granules = newGranules()
        for (const [ms, count] of drawn) append(granules, TEN_MS + ms, count)
        assertOrdered(granules)
        const expected = drawn.flatMap(([ms, count]) => new Array<number>(count).fill(TEN_MS + ms))
        assert.deepEqual(timesIn(granules).toSorted(), expected.toSorted())
      }),
      100,
      FILE,
    )
  })

  it('finds granules by time from either side', () => {
    const granules = newGranules()
    const times = [0, 1_500, 70_000, 70_001, 500_000].map((ms) => TEN_MS + ms)
    for (const ms of times) append(granules, ms)
    const { list } = granules
    for (const ms of times.flatMap((t) => [t - 2_000, t - 1, t, t + 1, t + 70_000])) {
      assert.equal(
        granules.lastStartingBy(ms),
        list.findLastIndex((granule) => granule.startMs <= ms),
      )
      const first = list.findIndex((granule) => granule.endMs > ms)
      assert.equal(granules.firstEndingAfter(ms), first < 0 ? list.length : first)
    }
  })

  it('R2: more than 65,535 rows of one millisecond go to further granules of the same stretch', () => {
    const granules = newGranules()
    append(granules, TEN_MS, 2 * MAX_GRANULE_ROWS + 1)
    assert.deepEqual(
      granules.list.map(({ count }) => count),
      [MAX_GRANULE_ROWS, MAX_GRANULE_ROWS, 1],
    )
    assertOrdered(granules)
    append(granules, TEN_MS + 1)
    assert.equal(granules.list.at(-1)?.count, 2, 'the last one takes what follows')
  })

  it('R3: a granule is dropped just after its end + retention, not at it', () => {
    const granules = newGranules()
    const { endMs } = append(granules, TEN_MS, 3)
    append(granules, endMs + 5 * RETENTION_MS)
    assert.equal(granules.expire(endMs + RETENTION_MS), 0)
    assert.equal(granules.rows, 4)
    assert.equal(granules.expire(endMs + RETENTION_MS + 1), 3)
    assert.equal(granules.rows, 1)
    assert.equal(granules.list.length, 1)
  })

  it('R3: a row outlives its own event time by the retention at least', () => {
    checkProperty(
      fc.property(fc.array(fc.nat(300_000), { minLength: 1, maxLength: 60 }), fc.nat(400_000), (times, passedMs) => {
        const granules = newGranules()
        for (const ms of times) append(granules, TEN_MS + ms)
        granules.expire(TEN_MS + passedMs)
        const left = timesIn(granules).toSorted()
        const mustStay = times.map((ms) => TEN_MS + ms).filter((t) => t + RETENTION_MS >= TEN_MS + passedMs)
        assert.deepEqual(left.slice(left.length - mustStay.length), mustStay.toSorted())
        assert.equal(granules.rows, left.length)
      }),
      200,
      FILE,
    )
  })

  it('a dropped granule is never written to again by way of what was remembered', () => {
    const granules = newGranules()
    const old = append(granules, TEN_MS)
    granules.expire(old.endMs + RETENTION_MS + 1)
    const again = append(granules, TEN_MS)
    assert.deepEqual(granules.list, [again])
    assert.equal(again.count, 1)
  })

  it('keep their length near the cache size when the rate jumps a thousandfold, and back', () => {
    const granules = newGranules()
    let nowMs = TEN_MS
    const feed = (perSecond: number, seconds: number): void => {
      for (let s = 0; s < seconds; s++, nowMs += 1_000)
        for (let part = 0; part < 3; part++) append(granules, nowMs + part * 300, perSecond / 3)
    }
    const lengthMs = (): number => {
      const last = granules.list.at(-1)
      return last === undefined ? NaN : last.endMs - last.startMs
    }
    feed(3, 400)
    assert.equal(lengthMs(), 65_536, 'long while little comes')
    feed(3_000, 150)
    assert.ok(lengthMs() <= 16_384, `${lengthMs()} ms at 3,000 rows a second`)
    const before = nowMs
    feed(3_000, 40)
    const recent = granules.list.filter((granule) => granule.startMs >= before)
    assert.ok(recent.every(({ count }) => count < MAX_GRANULE_ROWS))
    granules.expire(nowMs + RETENTION_MS)
    feed(3, 600)
    assert.equal(lengthMs(), 65_536, 'long again')
  })
})
