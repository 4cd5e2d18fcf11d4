/**
 * Deliveries come out in order of arrival (Q2), whatever their distance, and rows are used again (Q1).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deliveries } from '../../../src/traffic/deliveries.ts'
import { Random } from '../../../src/traffic/random.ts'

const START_MS = 1_767_225_600_000

interface Taken {
  readonly atMs: number
  readonly label: number
}

/** Takes everything; each row's label is its event time. */
function drain(deliveries: Deliveries, fromMs: number): Taken[] {
  const taken: Taken[] = []
  for (let nowMs = fromMs; nowMs < Infinity; nowMs = deliveries.nextArrivalMs(nowMs + 1, Infinity)) {
    for (let row = deliveries.take(nowMs); row !== 0; row = deliveries.take(nowMs)) {
      taken.push({ atMs: nowMs, label: deliveries.timesMs[row] ?? NaN })
      deliveries.release(row)
    }
  }
  return taken
}

test('rows come out by arrival, near and far, those of one millisecond as scheduled', () => {
  const random = new Random(1, 'deliveries')
  const deliveries = new Deliveries(0, 4)
  const expected: Taken[] = []
  for (let label = 0; label < 5_000; label++) {
    const distances = [0, 1, 31, 32, 1_000, 65_535, 65_536, 65_537, 3_000_000, random.below(200_000)]
    const atMs = START_MS + (distances[random.below(distances.length)] ?? 0)
    const row = deliveries.allocate()
    deliveries.timesMs[row] = label
    deliveries.schedule(row, atMs, START_MS)
    expected.push({ atMs, label })
  }
  const taken = drain(deliveries, START_MS)
  assert.deepEqual(
    taken,
    expected.toSorted((a, b) => a.atMs - b.atMs || a.label - b.label),
  )
  assert.equal(deliveries.inFlight, 0)
})

test('the array does not grow while rows are given back', () => {
  const deliveries = new Deliveries(3, 8)
  const bytes = deliveries.ints.byteLength
  for (let i = 0; i < 1_000; i++) {
    const row = deliveries.allocate()
    const copy = deliveries.copy(row)
    deliveries.release(row)
    deliveries.release(copy)
  }
  assert.equal(deliveries.ints.byteLength, bytes)
  // Control: rows that are kept make it grow.
  for (let i = 0; i < 20; i++) deliveries.allocate()
  assert.ok(deliveries.ints.byteLength > bytes)
})

test('a copy has the content of its source', () => {
  const deliveries = new Deliveries(2, 2)
  const row = deliveries.allocate()
  const { stride } = deliveries
  for (let i = 1; i < stride; i++) deliveries.ints[row * stride + i] = i * 7
  deliveries.timesMs[row] = START_MS
  const copy = deliveries.copy(row)
  assert.notEqual(copy, row)
  assert.deepEqual(
    deliveries.ints.slice(copy * stride + 1, (copy + 1) * stride),
    deliveries.ints.slice(row * stride + 1, (row + 1) * stride),
  )
  assert.equal(deliveries.timesMs[copy], START_MS)
})

test('nextArrivalMs stops at its limit', () => {
  const deliveries = new Deliveries(0)
  assert.equal(deliveries.nextArrivalMs(START_MS, START_MS + 5), START_MS + 5)
  deliveries.schedule(deliveries.allocate(), START_MS + 100, START_MS)
  assert.equal(deliveries.nextArrivalMs(START_MS, START_MS + 50), START_MS + 50)
  assert.equal(deliveries.nextArrivalMs(START_MS, START_MS + 200), START_MS + 100)
})
