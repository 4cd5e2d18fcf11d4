/**
 * When the page hears of news: K1, by mocked timers and a mocked clock of Node's.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ticker } from '../../../src/server/ticker.ts'

describe('ticks of the page', () => {
  it('K1: come every interval, at once with news, and not twice in half of it', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    let nowMs = 0
    mock.method(performance, 'now', () => nowMs)
    const ticks: number[] = []
    const ticker = new Ticker(() => ticks.push(nowMs), 1_000)
    const pass = (ms: number): void => {
      for (let i = 0; i < ms; i++) {
        nowMs++
        mock.timers.tick(1)
      }
    }
    pass(2_000)
    assert.deepEqual(ticks.splice(0), [1_000, 2_000])
    pass(600)
    ticker.soon()
    assert.deepEqual(ticks.splice(0), [2_600])
    pass(100)
    ticker.soon()
    pass(50)
    ticker.soon()
    pass(1_000)
    assert.deepEqual(ticks.splice(0), [3_100])
    ticker.now()
    pass(1_000)
    assert.deepEqual(ticks.splice(0), [3_750, 4_750])
    ticker.end()
    pass(5_000)
    assert.deepEqual(ticks, [])
  })
})
