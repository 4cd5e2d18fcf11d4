/**
 * SeriesStore S1–S5: absolute values, bounded members, sums that say when they are lower bounds.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SeriesStore } from '../../../src/server/series-store.ts'

const WINDOWS = 10

function storeAt(newest: number, memberLimit = 4): SeriesStore {
  const store = new SeriesStore({ sumCount: 1, windowCount: WINDOWS, memberLimit })
  store.advance(newest)
  return store
}

const all = (store: SeriesStore, name: string): readonly (number | bigint)[] => store.sum(name, -Infinity, Infinity)

describe('the cells of one roll-up', () => {
  it('S1: the last value told is the value', () => {
    const store = storeAt(20)
    for (const impressions of [5, 7, 7]) store.set('a', 20, [impressions, 1, 3n])
    store.set('a', 19, [1, 0, 9_007_199_254_740_993n])
    assert.deepEqual(all(store, 'a'), [8, 1, 9_007_199_254_740_996n])
    assert.deepEqual(store.sum('a', 20, 21), [7, 1, 3n])
    assert.equal(store.impressions('a', 19, 20), 1)
    assert.deepEqual(all(store, 'nobody'), [0, 0, 0n])
  })

  it('S2, S3: the smallest give way; who comes then is a lower bound until the loss has left the memory', () => {
    const store = storeAt(20)
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) store.set(name, 20, [10 + index, 0, 0n])
    assert.equal(store.isCapped, false)
    store.set('e', 20, [1, 0, 0n])
    assert.deepEqual([...store.names()], ['b', 'c', 'd', 'e'])
    assert.deepEqual([store.isCapped, store.isAtLeast('e', 15), store.isAtLeast('b', 15)], [true, true, false])
    store.advance(20 + WINDOWS)
    store.set('f', 20 + WINDOWS, [1, 0, 0n])
    assert.deepEqual([store.isCapped, store.isAtLeast('f', 15)], [false, false])
  })

  it('S4: what is older than the memory is gone, with members that have nothing else', () => {
    const store = storeAt(20)
    store.set('old', 20 - WINDOWS, [1, 0, 0n])
    assert.equal(store.memberCount, 0, 'never taken in')
    store.set('a', 15, [1, 0, 0n])
    store.set('b', 20, [2, 0, 0n])
    const { version } = store
    store.advance(15 + WINDOWS)
    assert.deepEqual([...store.names()], ['b'])
    assert.notEqual(store.version, version)
    store.advance(1_000_000)
    assert.equal(store.memberCount, 0)
  })

  it('S5: what is ahead of the memory waits with its last value', () => {
    const store = storeAt(20)
    store.set('a', 23, [1, 0, 0n])
    store.set('a', 23, [4, 2, 6n])
    store.set('b', 22, [9, 0, 0n])
    store.set('b', 22, [0, 0, 0n])
    assert.equal(store.memberCount, 0)
    store.advance(22)
    assert.equal(store.memberCount, 0)
    store.advance(23)
    assert.deepEqual(all(store, 'a'), [4, 2, 6n])
    store.advance(23)
    assert.deepEqual(all(store, 'a'), [4, 2, 6n])
  })

  it('S5: what waits is bounded, and a window that lost cells says so when it comes', () => {
    const store = storeAt(20, 10_000)
    store.set('known', 20, [1, 0, 0n])
    for (let i = 0; i < 6_000; i++) store.set(`n${i}`, 25, [1, 0, 0n])
    assert.equal(store.isAtLeast('known', 15), false)
    store.advance(25)
    assert.equal(store.memberCount, 5_001)
    assert.deepEqual([store.isCapped, store.isAtLeast('known', 15), store.isAtLeast('n0', 26)], [true, true, false])
    store.set('n5999', 25, [1, 0, 0n])
    assert.deepEqual(all(store, 'n5999'), [1, 0, 0n], 'told again, it is there')
  })
})
