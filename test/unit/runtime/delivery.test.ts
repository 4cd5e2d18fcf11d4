/**
 * Delivery by its invariants D1 to D5, with a sink that goes away and a clock of the test's own.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { TidemarkError } from '../../../src/errors.ts'
import { START_MS } from '../../support/change-sets.ts'
import { checkAsyncProperty } from '../../support/check-property.ts'
import { counts, FragileDelivery, opened, tableAfter } from '../../support/fragile-delivery.ts'
import { AWAY } from '../../support/fragile-sink.ts'

const FILE = 'test/unit/runtime/delivery.test.ts'

describe('delivery', () => {
  it('settle waits for what was offered, and not for a sink that stays away', async () => {
    const { delivery, sink, time } = await opened()
    delivery.offer(counts({ a: 1 }), 0)
    await delivery.settle(1_000)
    assert.deepEqual(tableAfter(sink.epochs), { a: 1 })
    assert.equal(delivery.status.waitingCells, 0)
    sink.failure = AWAY
    delivery.offer(counts({ a: 2 }), 0)
    const settled = delivery.settle(1_000)
    await time.pass(1_100)
    await settled
    assert.deepEqual(tableAfter(sink.epochs), { a: 1 })
  })

  it('writes each epoch with its number and watermark', async () => {
    const { delivery, sink, time } = await opened()
    delivery.offer(counts({ c1: 1 }), 5)
    await time.pass(0)
    delivery.offer(counts({ c1: 2 }), 6)
    await time.pass(0)
    assert.deepEqual(
      sink.epochs.map(({ number, watermarkMs }) => [number, watermarkMs]),
      [
        [1, 5],
        [2, 6],
      ],
    )
    assert.equal(delivery.epoch, 2)
    assert.deepEqual(delivery.status, {
      state: 'up',
      message: null,
      sinceMs: START_MS,
      waitingCells: 0,
      intakePaused: false,
    })
  })

  it('writes nothing where nothing changed', async () => {
    const { delivery, sink, time } = await opened()
    delivery.offer(counts({}), 5)
    await time.pass(0)
    assert.equal(sink.epochs.length, 0)
    delivery.offer(counts({ c1: 1 }), 6)
    await time.pass(0)
    assert.equal(sink.epochs.length, 1, 'and goes on after that')
  })

  it('D1: one call at a time; what comes meanwhile goes together', async () => {
    const { delivery, sink, time } = await opened()
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    for (let n = 1; n <= 5; n++) {
      delivery.offer(counts({ c1: n, [`c${n}`]: n }), n)
      await time.pass(1_000)
    }
    assert.equal(delivery.status.waitingCells, 1 + 5)
    gate.resolve()
    await time.pass(0)
    assert.equal(sink.mostAtOnce, 1)
    assert.equal(sink.epochs.length, 2)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 5, c2: 2, c3: 3, c4: 4, c5: 5 })
    assert.equal(delivery.epochDurationMs, 0)
  })

  it('D2: comes back with the newest values, exactly, and says when it went and came', async () => {
    const { delivery, sink, time, changes } = await opened()
    delivery.offer(counts({ c1: 1, c2: 1 }), 1)
    await time.pass(0)
    sink.failure = AWAY
    for (let n = 2; n <= 9; n++) {
      delivery.offer(counts({ c1: n, [`d${n}`]: n }), n)
      await time.pass(1_000)
    }
    assert.deepEqual(tableAfter(sink.epochs), { c1: 1, c2: 1 })
    assert.deepEqual(
      changes.map(({ state, message, sinceMs }) => [state, message, sinceMs]),
      [['down', AWAY.message, START_MS]],
    )
    assert.equal(delivery.status.waitingCells, 9)
    sink.failure = undefined
    await time.pass(5_000)
    assert.deepEqual(
      changes.map(({ state }) => state),
      ['down', 'up'],
    )
    assert.equal(delivery.epoch, 2, 'one epoch holds all of it')
    assert.deepEqual(tableAfter(sink.epochs), { c1: 9, c2: 1, d2: 2, d3: 3, d4: 4, d5: 5, d6: 6, d7: 7, d8: 8, d9: 9 })
    assert.equal(delivery.status.waitingCells, 0)
  })

  it('D2: whenever the sink fails, and whatever is offered meanwhile, it ends with the newest values', async () => {
    const step = fc.record({
      isAway: fc.boolean(),
      offered: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(99), { maxKeys: 3 }),
      passMs: fc.constantFrom(0, 100, 1_000, 20_000),
    })
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { delivery, sink, time } = await opened()
        const expected: Record<string, number> = {}
        for (const { isAway, offered, passMs } of steps) {
          sink.failure = isAway ? AWAY : undefined
          Object.assign(expected, offered)
          delivery.offer(counts(offered), 0)
          await time.pass(passMs)
        }
        sink.failure = undefined
        await time.pass(10_000)
        assert.deepEqual(tableAfter(sink.epochs), { ...expected })
        assert.deepEqual(
          sink.epochs.map(({ number }) => number),
          sink.epochs.map((_, i) => i + 1),
        )
        assert.equal(sink.mostAtOnce, 1)
      }),
      60,
      FILE,
    )
  })

  it('D3: tries again after 0.25 s, doubling to 5 s, and starts anew once it worked', async () => {
    const { delivery, sink, time } = await opened()
    sink.failure = AWAY
    const triesIn = async (ms: number): Promise<number> => {
      const before = sink.calls
      await time.pass(ms)
      return sink.calls - before
    }
    delivery.offer(counts({ c1: 1 }), 0)
    const pauses = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]
    for (const ms of pauses) {
      assert.equal(await triesIn(ms - 1), 0, `no try before ${ms} ms`)
      assert.equal(await triesIn(1), 1, `a try after ${ms} ms`)
    }
    sink.failure = undefined
    await time.pass(5_000)
    assert.equal(delivery.status.state, 'up')
    sink.failure = AWAY
    delivery.offer(counts({ c1: 2 }), 0)
    assert.equal(await triesIn(249), 0)
    assert.equal(await triesIn(1), 1)
  })

  it('D3: starts anew too when more waits behind the write that worked', async () => {
    const { delivery, sink, time } = await opened()
    sink.failure = AWAY
    delivery.offer(counts({ c1: 1 }), 0)
    await time.pass(20_000)
    sink.failure = undefined
    sink.afterWrite = () => {
      sink.failure = AWAY
      delivery.offer(counts({ c2: 1 }), 0)
    }
    // Tries at 0.25, 0.75, 1.75, 3.75, 7.75, 12.75, 17.75 and 22.75 s: the last one works, the next fails at once.
    await time.pass(2_750)
    assert.deepEqual([delivery.epoch, delivery.status.state], [1, 'down'])
    sink.afterWrite = undefined
    sink.failure = undefined
    await time.pass(249)
    assert.equal(delivery.epoch, 1)
    await time.pass(1)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 1, c2: 1 })
  })

  it('D4: is full at the limit, with what is being written, and no longer once that is out', async () => {
    const { delivery, sink, time } = await opened(4)
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    delivery.offer(counts({ a: 1, b: 1 }), 0)
    delivery.offer(counts({ a: 2 }), 0)
    assert.equal(delivery.isFull, false)
    delivery.offer(counts({ b: 2 }), 0)
    assert.equal(delivery.isFull, true)
    assert.ok(delivery.status.intakePaused)
    gate.resolve()
    await time.pass(0)
    assert.equal(delivery.isFull, false)
    assert.deepEqual(tableAfter(sink.epochs), { a: 2, b: 2 })
  })

  it('D5: an error that no try can mend is told once, and the sink is left alone', async () => {
    const { delivery, sink, time, fatal, changes } = await opened()
    const error = new TidemarkError('DATABASE_SCHEMA_MISMATCH', 'A column is missing.')
    sink.failure = error
    delivery.offer(counts({ c1: 1 }), 0)
    await time.pass(60_000)
    delivery.offer(counts({ c1: 2 }), 0)
    await time.pass(60_000)
    assert.deepEqual(fatal, [error])
    assert.equal(sink.calls, 2, 'open and one write')
    assert.deepEqual(changes, [])
    assert.equal(await delivery.drain(0), false)
  })

  it('D5: so is a bug', async () => {
    const { delivery, sink, time, fatal } = await opened()
    sink.failure = new RangeError('oops')
    delivery.offer(counts({ c1: 1 }), 0)
    await time.pass(0)
    assert.deepEqual(fatal, [sink.failure])
  })

  it('an offer is written however close behind the write before it', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { delivery, sink } = await opened()
      const offerLater = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        delivery.offer(counts({ c1: 2 }), 0)
      }
      sink.afterWrite = () => {
        sink.afterWrite = undefined
        void offerLater()
      }
      delivery.offer(counts({ c1: 1 }), 0)
      await nextTurn()
      await nextTurn()
      assert.deepEqual(tableAfter(sink.epochs), { c1: 2 }, `offered ${turns} turns behind`)
    }
  })

  it('open says at once what is wrong, and nobody is told of a first opening', async () => {
    const { delivery, sink, changes } = new FragileDelivery()
    sink.failure = AWAY
    await assert.rejects(delivery.open(), AWAY)
    assert.equal(delivery.status.state, 'starting')
    sink.failure = undefined
    await delivery.open()
    assert.equal(delivery.status.state, 'up')
    assert.deepEqual(changes, [])
  })

  it('opens a sink that was not open yet before it writes', async () => {
    const { delivery, sink, time } = new FragileDelivery()
    sink.failure = AWAY
    delivery.offer(counts({ c1: 1 }), 0)
    await time.pass(100)
    sink.failure = undefined
    await time.pass(1_000)
    assert.equal(sink.calls, 3, 'a failed opening, an opening, a write')
    assert.deepEqual(tableAfter(sink.epochs), { c1: 1 })
  })
})
