/**
 * Granules by their invariants T1 to T4, and what impressions and clicks keep beside their ids (K1, K2 of clicks).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClickGranule, STANDS_ORPHAN, STANDS_PENDING } from '../../../src/engine/state/click-granule.ts'
import { Granule, MAX_GRANULE_MS, MAX_GRANULE_ROWS } from '../../../src/engine/state/granule.ts'
import { hashKeysFrom, IdHashes } from '../../../src/engine/state/id-hashes.ts'
import { ImpressionGranule } from '../../../src/engine/state/impression-granule.ts'
import { lanesOf, RANDOM_KEYS, TEN_MS } from '../../support/engine-rig.ts'

const hashes = new IdHashes(hashKeysFrom(RANDOM_KEYS))

function append(granule: Granule, id: number, timeMs: number = TEN_MS): number {
  const lanes = lanesOf(id)
  return granule.append(lanes, 0, timeMs)
}

/** Rows that hold an id, in the order a search meets them. */
function rowsOf(granule: Granule, id: number): number[] {
  const lanes = lanesOf(id)
  const rows: number[] = []
  let slot = granule.nextMatch(lanes, 0, granule.firstSlot(hashes.firstOf(lanes, 0)))
  while (slot >= 0) {
    rows.push((granule.index[slot] ?? 0) - 1)
    slot = granule.nextMatch(lanes, 0, (slot + 1) & granule.indexMask)
  }
  return rows
}

function granuleOf<G extends Granule>(granule: G, lengthMs: number = MAX_GRANULE_MS): G {
  granule.reset(TEN_MS, TEN_MS + lengthMs)
  return granule
}

const plain = (capacity: number = 0): Granule => granuleOf(new Granule(capacity, hashes))

describe('granule', () => {
  it('T1: takes its start, not its end, and gives times back exactly', () => {
    const granule = plain()
    const lastMs = TEN_MS + MAX_GRANULE_MS - 1
    assert.ok(granule.takes(TEN_MS))
    assert.ok(granule.takes(lastMs))
    assert.ok(!granule.takes(TEN_MS - 1))
    assert.ok(!granule.takes(lastMs + 1))
    assert.equal(granule.timeMsOf(append(granule, 1, TEN_MS)), TEN_MS)
    assert.equal(granule.timeMsOf(append(granule, 2, lastMs)), lastMs)
  })

  it('T2: grows to 65,535 rows, finds each, and takes no more', () => {
    const granule = plain()
    for (let id = 0; id < MAX_GRANULE_ROWS; id++) {
      assert.ok(granule.takes(TEN_MS + id))
      append(granule, id, TEN_MS + id)
    }
    assert.ok(!granule.takes(TEN_MS))
    assert.ok(granule.capacity <= MAX_GRANULE_ROWS)
    for (let id = 0; id < MAX_GRANULE_ROWS; id += 7) {
      assert.deepEqual(rowsOf(granule, id), [id])
      assert.equal(granule.timeMsOf(id), TEN_MS + id)
    }
    for (let id = 0; id < 1_000; id++) assert.deepEqual(rowsOf(granule, 1_000_000 + id), [])
  })

  it('T3: rows stay where they are while the granule grows', () => {
    const granule = plain()
    const rows = Array.from({ length: 5_000 }, (_, id) => append(granule, id))
    assert.deepEqual(
      rows,
      rows.map((_, row) => row),
    )
    for (const row of [0, 15, 16, 24, 4_999]) {
      assert.deepEqual(granule.ids.slice(row * 4, row * 4 + 4), lanesOf(row))
      assert.deepEqual(rowsOf(granule, row), [row])
    }
  })

  it('T4: a row is found whether it came before or after the last search', () => {
    const granule = plain()
    for (let id = 0; id < 2_000; id++) {
      append(granule, id)
      if (id % 7 === 0) assert.deepEqual(rowsOf(granule, id >> 1), [id >> 1])
    }
    for (let id = 0; id < 2_000; id++) assert.deepEqual(rowsOf(granule, id), [id])
    granule.reset(TEN_MS, TEN_MS + MAX_GRANULE_MS)
    append(granule, 1)
    assert.deepEqual([rowsOf(granule, 0), rowsOf(granule, 1)], [[], [0]])
  })

  it('tells ids apart by each of their four lanes', () => {
    const granule = plain()
    const lanes = lanesOf(1)
    granule.append(lanes, 0, TEN_MS)
    for (let lane = 0; lane < 4; lane++) {
      const other = lanes.slice()
      other[lane] = (other[lane] ?? 0) ^ 1
      // Searched where the id stands, so that nothing but the lanes decides.
      assert.equal(granule.nextMatch(other, 0, granule.firstSlot(hashes.firstOf(lanes, 0))), -1, `lane ${lane}`)
    }
  })

  it('finds every row of an id that stands more than once', () => {
    const granule = plain()
    append(granule, 1)
    append(granule, 2)
    append(granule, 1, TEN_MS + 9)
    assert.deepEqual(rowsOf(granule, 1), [0, 2])
  })

  it('is empty after a reset, whatever it held', () => {
    const granule = plain(100)
    for (let id = 0; id < 90; id++) append(granule, id)
    granule.reset(TEN_MS + MAX_GRANULE_MS, TEN_MS + 2 * MAX_GRANULE_MS)
    assert.equal(granule.count, 0)
    for (let id = 0; id < 90; id++) assert.deepEqual(rowsOf(granule, id), [])
    assert.ok(!granule.takes(TEN_MS))
    assert.equal(append(granule, 5, TEN_MS + MAX_GRANULE_MS), 0)
    assert.deepEqual(rowsOf(granule, 5), [0])
  })

  it('holds no more memory than its rows ask for', () => {
    const granule = plain(1_000)
    assert.ok(granule.byteLength <= 1_000 * (16 + 2 + 8), `${granule.byteLength} bytes`)
  })
})

describe('impression granule', () => {
  it('keeps the counted click of each row, as a map would', () => {
    const granule = granuleOf(new ImpressionGranule(16, hashes))
    const expected = new Map<number, number>()
    for (let id = 0; id < 2_000; id++) {
      const row = append(granule, id)
      granule.combination[row] = id * 3
      if (id % 3 !== 0) continue
      granule.setCountedMs(row, TEN_MS + id)
      expected.set(row, TEN_MS + id)
    }
    for (const row of [3, 300, 1_998]) {
      granule.setCountedMs(row, row === 300 ? NaN : TEN_MS - row)
      expected.set(row, row === 300 ? NaN : TEN_MS - row)
    }
    for (let row = 0; row < 2_000; row++) {
      assert.equal(granule.countedMs(row), expected.get(row) ?? NaN)
      assert.equal(granule.combination[row], row * 3)
    }
  })

  it('forgets counted clicks at a reset', () => {
    const granule = granuleOf(new ImpressionGranule(16, hashes))
    granule.setCountedMs(append(granule, 1), TEN_MS)
    granule.reset(TEN_MS, TEN_MS + 1_024)
    assert.equal(granule.countedMs(0), NaN)
  })
})

/** Adds a click on an impression and links it. */
function addClick(granule: ClickGranule, id: number, impressionId: number, timeMs: number = TEN_MS): number {
  const row = append(granule, id, timeMs)
  const named = lanesOf(impressionId)
  granule.link(row, named, 0, hashes.firstOf(named, 0))
  granule.initStanding(row, STANDS_PENDING)
  return row
}

function clicksOf(granule: ClickGranule, impressionId: number): number[] {
  const lanes = lanesOf(impressionId)
  const rows: number[] = []
  let row = granule.newestOf(lanes, 0, hashes.firstOf(lanes, 0))
  for (; row >= 0; row = (granule.nextOfImpression[row] ?? 0) - 1) rows.push(row)
  return rows
}

describe('click granule', () => {
  it('K1: leads from an impression to its clicks, newest first, however it grows', () => {
    const granule = granuleOf(new ClickGranule(0, hashes))
    const expected = new Map<number, number[]>()
    for (let id = 0; id < 20_000; id++) {
      const impressionId = id % 5 === 0 ? 1 : id % 997
      const row = addClick(granule, id, impressionId)
      expected.set(impressionId, [row, ...(expected.get(impressionId) ?? [])])
    }
    for (const [impressionId, rows] of expected) assert.deepEqual(clicksOf(granule, impressionId), rows)
    assert.deepEqual(clicksOf(granule, 5_000), [])
  })

  it('K1: leads nowhere after a reset', () => {
    const granule = granuleOf(new ClickGranule(0, hashes))
    addClick(granule, 1, 7)
    granule.reset(TEN_MS, TEN_MS + 1_024)
    assert.deepEqual(clicksOf(granule, 7), [])
    addClick(granule, 2, 7)
    assert.deepEqual(clicksOf(granule, 7), [0])
  })

  it('K2: counts pending rows and knows how early they may be', () => {
    const granule = granuleOf(new ClickGranule(0, hashes))
    assert.equal(granule.earliestPendingMs, Infinity)
    const rows = [30, 10, 20].map((ms, i) => addClick(granule, i, i, TEN_MS + ms))
    assert.equal(granule.pending, 3)
    assert.ok(granule.earliestPendingMs <= TEN_MS + 10)
    granule.setStanding(rows[1] ?? -1, STANDS_ORPHAN)
    granule.setStanding(rows[1] ?? -1, STANDS_ORPHAN)
    assert.equal(granule.pending, 2)
    assert.ok(granule.earliestPendingMs <= TEN_MS + 20)
    const decided = append(granule, 9)
    granule.initStanding(decided, STANDS_ORPHAN)
    assert.equal(granule.pending, 2)
    granule.reset(TEN_MS, TEN_MS + 1_024)
    assert.deepEqual([granule.pending, granule.earliestPendingMs], [0, Infinity])
  })
})
