/**
 * How a delivery ends: everything written, or the deadline.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { counts, FragileDelivery, tableAfter } from '../../support/fragile-delivery.ts'
import { AWAY } from '../../support/fragile-sink.ts'

describe('delivery: drain', () => {
  it('waits until everything is written', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    all.offer(counts({ c1: 2 }))
    const drained = delivery.drain(1_000)
    await time.pass(900)
    gate.resolve()
    assert.equal(await drained, true)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 2 })
  })

  it('is not done where something was offered that no barrier took', async () => {
    const all = new FragileDelivery()
    all.offer(counts({ c1: 1 }))
    all.offer(counts({ c1: 2 }))
    assert.equal(await all.delivery.drain(1_000), false)
  })

  it('goes on trying a sink that is away, and is done when it comes back in time', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    sink.failure = AWAY
    all.offer(counts({ c1: 1 }))
    const drained = delivery.drain(8_000)
    await time.pass(3_000)
    sink.failure = undefined
    await time.pass(4_000)
    assert.equal(await drained, true)
  })

  it('gives up at its deadline and tries no more', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    sink.failure = AWAY
    all.offer(counts({ c1: 1 }))
    const drained = delivery.drain(8_000)
    await time.pass(8_000)
    assert.equal(await drained, false)
    assert.equal(delivery.status.waitingCells, 1)
    const { calls } = sink
    await time.pass(60_000)
    assert.equal(sink.calls, calls)
  })

  it('gives up at its deadline on a write that never ends', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time, changes } = all
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    all.offer(counts({ c1: 1 }))
    const drained = delivery.drain(8_000)
    await time.pass(8_000)
    assert.equal(await drained, false)
    // Closing the sink ends that write.
    sink.failure = AWAY
    gate.resolve()
    await time.pass(10_000)
    assert.deepEqual(changes, [], 'nobody is told of what follows')
    assert.equal(sink.epochs.length, 0)
  })

  it('is done at once where nothing waits', async () => {
    const { delivery } = new FragileDelivery()
    assert.equal(await delivery.drain(8_000), true)
  })
})
