/**
 * The filter of live ids by its invariants F1 to F4, and what keeping it costs.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IdFilter, type IdWalk } from '../../../src/engine/state/id-filter.ts'
import { hashKeysFrom, IdHashes } from '../../../src/engine/state/id-hashes.ts'
import { checkProperty } from '../../support/check-property.ts'
import { lanesOf, RANDOM_KEYS, writeId } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/id-filter.test.ts'
const RETENTION_MS = 10_000

const hashes = new IdHashes(hashKeysFrom(RANDOM_KEYS))

/** A filter beside the ids it stands for. As in the engine, these are forgotten some time after they expire. */
class Pair {
  readonly live = new Map<number, number>()
  walks = 0
  visited = 0
  watermarkMs = -Infinity
  readonly filter: IdFilter
  readonly retentionMs: number

  constructor(retentionMs: number = RETENTION_MS) {
    this.retentionMs = retentionMs
    this.filter = new IdFilter(retentionMs)
  }

  readonly walk: IdWalk = (add) => {
    this.walks++
    for (const [id, timeMs] of this.live) {
      const [first, second] = hashesOf(id)
      add(first, second, timeMs)
      this.visited++
    }
  }

  add(id: number, timeMs: number): boolean {
    const before = this.live.get(id)
    this.live.set(id, Math.max(before ?? -Infinity, timeMs))
    return this.filter.add(...hashesOf(id), timeMs)
  }

  expire(watermarkMs: number): void {
    this.watermarkMs = watermarkMs
    for (const [id, timeMs] of this.live) if (watermarkMs > timeMs + this.retentionMs) this.live.delete(id)
    this.filter.expire(watermarkMs, this.live.size, this.walk)
  }

  has(id: number): boolean {
    return has(this.filter, ...hashesOf(id))
  }
}

function has(filter: IdFilter, first: number, second: number): boolean {
  const seen = new Uint8Array(1)
  filter.hasAll({ first: Int32Array.of(first), second: Int32Array.of(second) }, 1, seen)
  return seen[0] === 1
}

function rowsUpTo(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row)
}

function hashesOf(id: number): [number, number] {
  hashes.compute(lanesOf(id), Int32Array.of(0), 1)
  return [hashes.first[0] ?? 0, hashes.second[0] ?? 0]
}

/** Ids that are added, some of them from far ahead, and watermarks that pass. */
const actions = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('add'), fc.integer({ min: 1, max: 3_000 }), fc.nat(2_000)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('add'), fc.integer({ min: 1, max: 3 }), fc.nat(50_000_000)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('expire'), fc.constant(0), fc.nat(4_000)) },
  ),
  { maxLength: 80, size: 'max' },
)

describe('id filter', () => {
  it('F1: finds every live id, through generations, merges and ids from far ahead', () => {
    checkProperty(
      fc.property(actions, (taken) => {
        const pair = new Pair()
        let nextId = 0
        let nowMs = 0
        for (const [kind, count, ms] of taken) {
          if (kind === 'expire') pair.expire((nowMs += ms))
          for (let i = 0; i < count; i++) pair.add(nextId++, nowMs + ms)
        }
        for (const id of pair.live.keys()) assert.ok(pair.has(id), `id ${id} was forgotten`)
      }),
      40,
      FILE,
    )
  })

  /** Lets generations pass until a new one begins. */
  function startNewGeneration(pair: Pair, watermarkMs: number): void {
    pair.expire(watermarkMs)
    pair.expire(watermarkMs + RETENTION_MS / 2)
  }

  it('F1: an id is found until the watermark has passed its time + retention, and not much longer', () => {
    const pair = new Pair()
    pair.add(1, 1_000)
    startNewGeneration(pair, 0)
    pair.add(2, 50_000)
    pair.expire(1_000 + RETENTION_MS)
    assert.ok(pair.has(1))
    pair.expire(1_000 + RETENTION_MS + 1)
    assert.ok(!pair.has(1))
  })

  it('F1: an id that came again is found by its later time', () => {
    const pair = new Pair()
    pair.add(1, 1_000)
    pair.add(1, 8_000)
    startNewGeneration(pair, 0)
    pair.add(2, 50_000)
    pair.expire(8_000 + RETENTION_MS)
    assert.ok(pair.has(1))
  })

  it('F1: ids are found for as long after generations were made into one', () => {
    const pair = new Pair()
    for (let id = 0; id < 5_000; id++) pair.add(id, 50_000)
    pair.expire(0)
    assert.ok(pair.walks > 0, 'they were')
    startNewGeneration(pair, 10_000)
    pair.add(9_000, 50_000)
    for (let watermarkMs = 20_000; watermarkMs <= 50_000 + RETENTION_MS; watermarkMs += 10_000) pair.expire(watermarkMs)
    for (let id = 0; id < 5_000; id += 7) assert.ok(pair.has(id))
  })

  it('F1: says whether an id may have been there before, whichever generation holds it', () => {
    const pair = new Pair()
    assert.equal(pair.add(1, 0), false)
    assert.equal(pair.add(1, 0), true)
    for (let id = 100; id < 30_000; id++) pair.add(id, 0)
    assert.ok(pair.filter.generationCount > 1)
    assert.equal(pair.add(1, 0), true)
  })

  it('forgets what has expired', () => {
    const pair = new Pair()
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 50; i++) pair.add(second * 50 + i, second * 1_000)
      pair.expire(second * 1_000)
    }
    const found = Array.from({ length: 2_000 }, (_, id) => pair.has(id)).filter(Boolean).length
    assert.ok(found < 5, `${found} of 2,000 expired ids are still found`)
  })

  it('is rarely wrong about ids it never saw', () => {
    const pair = new Pair()
    for (let id = 0; id < 50_000; id++) pair.add(id, 0)
    const wrong = Array.from({ length: 50_000 }, (_, id) => pair.has(1_000_000 + id)).filter(Boolean).length
    assert.ok(wrong < 100, `${wrong} of 50,000`)
  })

  it('F2: has room for whatever comes between two looks at the watermark', () => {
    const pair = new Pair()
    for (let id = 0; id < 200_000; id++) pair.add(id, 0)
    assert.ok((pair.filter.byteLength / 2) * 0.8 >= 200_000, 'more tags than places')
    assert.ok(pair.has(0) && pair.has(199_999))
  })

  it('F3: an id whose tag would be 0 is found like any other, and an empty filter finds nothing', () => {
    const filter = new IdFilter(RETENTION_MS)
    assert.equal(has(filter, 5, 0), false)
    assert.equal(filter.add(5, 0xffff, 0), false)
    assert.equal(has(filter, 5, 0), true)
    assert.equal(has(filter, 5, 0x0002_0000), false)
  })

  it('F1: many at once, each is seen that came in this run or earlier, and hardly any other', () => {
    const filter = new IdFilter(RETENTION_MS)
    const ids = new IdHashes(hashKeysFrom(RANDOM_KEYS))
    const added = new Set<number>()
    let mistaken = 0
    for (let batch = 0; batch < 200; batch++) {
      // Every third id is one from before or of this run.
      const count = 1 + ((batch * 37) % 700)
      const drawn = Array.from({ length: count }, (_, j) => (j % 3 === 0 ? added.size >> 1 : added.size + j))
      ids.compute(Int32Array.from(drawn.flatMap((id) => [...lanesOf(id)])), rowsUpTo(count), count)
      const seen = new Uint8Array(count)
      filter.addAll(ids, count, batch, seen)
      drawn.forEach((id, j) => {
        if (added.has(id)) assert.equal(seen[j], 1, `id ${id}`)
        else mistaken += seen[j] ?? 0
        added.add(id)
      })
      filter.hasAll(ids, count, seen)
      assert.ok(seen.every((isSeen) => isSeen === 1))
    }
    assert.ok(added.size > 10_000 && filter.generationCount > 1, `${added.size} ids, ${filter.generationCount} tables`)
    assert.ok(mistaken < 20, `${mistaken} ids that never came`)
  })

  it('F4: a large generation is there before the one before it is full, and takes no more when its turn comes', () => {
    const filter = new IdFilter(RETENTION_MS, 1 << 16)
    const ids = new IdHashes(hashKeysFrom(RANDOM_KEYS))
    const count = 8_192
    const seen = new Uint8Array(count)
    let [ahead, made] = [0, 0]
    for (let batch = 0; batch < 400; batch++) {
      ids.compute(lanesOf(...rowsUpTo(count).map((row) => batch * count + row)), rowsUpTo(count), count)
      filter.addAll(ids, count, batch, seen)
      const [generations, byteLength] = [filter.generationCount, filter.byteLength]
      filter.expire(batch, 400 * count, () => assert.fail('nothing is to be made into one'))
      const isNew = filter.generationCount > generations
      if (isNew && filter.byteLength === byteLength) ahead++
      if (isNew && filter.byteLength > byteLength + (1 << 20)) made++
      if (batch % 50 === 49) {
        filter.hasAll(ids, count, seen)
        assert.ok(seen.every((isSeen) => isSeen === 1))
      }
    }
    assert.ok(ahead >= 1, 'control: a large one began')
    assert.equal(made, 0, 'a large one was made when it was needed')
  })

  it('finds a place at the very end of the table and goes on at its start', () => {
    const filter = new IdFilter(RETENTION_MS)
    for (let tag = 1; tag <= 100; tag++) assert.equal(filter.add(-1, tag << 16, 0), false)
    for (let tag = 1; tag <= 100; tag++) assert.equal(has(filter, -1, tag << 16), true)
    assert.equal(has(filter, -1, 101 << 16), false)
  })

  it('one id far ahead does not make generations pile up', () => {
    const pair = new Pair()
    for (let second = 0; second < 400; second++) {
      pair.add(1_000_000 + second, 1e9)
      for (let i = 0; i < 20; i++) pair.add(second * 20 + i, second * 1_000)
      pair.expire(second * 1_000)
      assert.ok(pair.filter.generationCount <= 8, `${pair.filter.generationCount} generations`)
    }
  })

  it('a partition far ahead of the others does not make it start anew all the time', () => {
    const pair = new Pair(600_000)
    for (let second = 0; second < 2_000; second++) {
      pair.add(second * 2, second * 1_000)
      pair.add(second * 2 + 1, second * 1_000 + 3 * 600_000)
      pair.expire(second * 1_000)
    }
    assert.ok(pair.visited <= 10 * 4_000, `${pair.visited} ids walked over for 4,000 that were added`)
  })
})

describe('id hashes', () => {
  it('one id alone hashes as in a run of many', () => {
    const lanes = lanesOf(...Array.from({ length: 50 }, (_, i) => i * 7))
    const rows = Int32Array.from({ length: 50 }, (_, i) => 49 - i)
    hashes.compute(lanes, rows, 50)
    for (let j = 0; j < 50; j++) assert.equal(hashes.firstOf(lanes, 49 - j), hashes.first[j])
  })

  it('ids that differ in one lane differ in both hashes', () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    checkProperty(
      fc.property(fc.tuple(int32, int32, int32, int32), fc.nat(3), int32, (lanes, lane, other) => {
        fc.pre(lanes[lane] !== other)
        const pair = Int32Array.from([...lanes, ...lanes])
        pair[4 + lane] = other
        hashes.compute(pair, Int32Array.of(0, 1), 2)
        assert.notEqual(hashes.first[0], hashes.first[1])
        assert.notEqual(hashes.second[0], hashes.second[1])
      }),
      500,
      FILE,
    )
  })

  it('other keys give other hashes', () => {
    const other = new IdHashes(hashKeysFrom(RANDOM_KEYS.map((key) => key + 2)))
    const lanes = new Int32Array(4)
    writeId(lanes, 0, 1)
    assert.notEqual(other.firstOf(lanes, 0), hashes.firstOf(lanes, 0))
  })
})
