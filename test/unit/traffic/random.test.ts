import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../../../src/traffic/random.ts'

const GOLDEN = [-1793585478, 466347612, 953381887, -579508249]

const draws = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.bits())

test('R1: the same seed and label give the same numbers for ever', () => {
  // A change of these breaks every log that someone keeps by its seed.
  assert.deepEqual(draws(new Random(7, 'ids'), 4), GOLDEN)
  assert.deepEqual(draws(new Random(7, 'ids'), 4), GOLDEN)
})

test('R2: seeds and labels give numbers of their own, also above 2^32', () => {
  const seen = [new Random(7, 'ids'), new Random(8, 'ids'), new Random(7, 'times'), new Random(7 + 2 ** 32, 'ids')]
  assert.equal(new Set(seen.map((random) => draws(random, 4).join())).size, seen.length)
})

test('numbers are spread evenly', () => {
  const random = new Random(1, 'spread')
  const buckets = new Float64Array(10)
  for (let i = 0; i < 100_000; i++) {
    const bucket = random.below(10)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 100,000 in one bucket of ten`)
})

test('between includes both ends, round keeps the mean', () => {
  const random = new Random(2, 'ends')
  const seen = new Set(Array.from({ length: 200 }, () => random.between(3, 5)))
  assert.deepEqual([...seen].toSorted(), [3, 4, 5])
  let sum = 0
  for (let i = 0; i < 20_000; i++) sum += random.round(2.3)
  assert.ok(Math.abs(sum / 20_000 - 2.3) < 0.02)
})
