/**
 * A doorbell: D1.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Doorbell } from '../../../src/runtime/doorbell.ts'

/** Sleeps until it is woken. */
const untilWoken = async (_ms: number, signal: AbortSignal): Promise<void> => void (await once(signal, 'abort'))

describe('a doorbell', () => {
  it('D1: a ring before the sleep ends it at once, and only that one', async () => {
    let sleeps = 0
    const bell = new Doorbell(async () => void sleeps++)
    bell.ring()
    assert.deepEqual([await bell.sleep(1_000), sleeps], [true, 0])
    assert.deepEqual([await bell.sleep(1_000), sleeps], [false, 1])
  })

  it('ends a sleep that is under way', async () => {
    const bell = new Doorbell(untilWoken)
    const sleep = bell.sleep(1_000)
    bell.ring()
    assert.equal(await sleep, true)
  })
})
