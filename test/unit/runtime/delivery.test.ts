/**
 * Delivery by its invariants D1 to D5, with a sink and checkpoints that fail and a clock of the test's own.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TidemarkError } from '../../../src/errors.ts'
import { START_MS } from '../../support/change-sets.ts'
import { checkAsyncProperty } from '../../support/check-property.ts'
import { counts, FragileDelivery, tableAfter } from '../../support/fragile-delivery.ts'
import { AWAY } from '../../support/fragile-sink.ts'

const FILE = 'test/unit/runtime/delivery.test.ts'

describe('delivery', () => {
  it('writes each epoch with its number, watermark, positions and dead letters', async () => {
    const { delivery, sink, time } = new FragileDelivery()
    const letter = { stream: 'clicks', partition: 'p', position: 3, reason: 'x', field: undefined } as const
    const deadLetters = [{ ...letter, bytes: new Uint8Array(2), byteLength: 2 }]
    for (const epoch of [1, 2]) {
      delivery.offer(counts({ c1: epoch }))
      const snapshot = { epoch, since: 1, parts: [] }
      delivery.begin({ watermarkMs: epoch, positions: { p: 10 * epoch }, deadLetters, snapshot })
      await time.pass(0)
    }
    assert.deepEqual(
      sink.epochs.map(({ number, watermarkMs, positions }) => [number, watermarkMs, positions]),
      [
        [1, 1, { p: 10 }],
        [2, 2, { p: 20 }],
      ],
    )
    assert.deepEqual(sink.epochs[1]?.deadLetters, deadLetters)
    assert.equal(delivery.epoch, 2)
    assert.deepEqual(delivery.status, {
      state: 'up',
      message: null,
      sinceMs: START_MS,
      waitingCells: 0,
      intakePaused: false,
      outages: [],
    })
  })

  it('goes on behind the last epoch that the sink holds', async () => {
    const all = new FragileDelivery(1_000, 41)
    all.offer(counts({ c1: 1 }))
    await all.time.pass(0)
    assert.equal(all.sink.epochs[0]?.number, 42)
    assert.deepEqual(all.checkpoints.calls, ['written 42', 'committed 42'])
  })

  it('settle waits for the epoch under way, and not for a sink that stays away', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    all.offer(counts({ a: 1 }))
    await delivery.settle(1_000)
    assert.deepEqual(tableAfter(sink.epochs), { a: 1 })
    assert.equal(delivery.status.waitingCells, 0)
    sink.failure = AWAY
    all.offer(counts({ a: 2 }))
    const settled = delivery.settle(1_000)
    await time.pass(1_100)
    await settled
    assert.deepEqual(tableAfter(sink.epochs), { a: 1 })
  })

  it('D1: one epoch at a time; what comes meanwhile waits for the next barrier and goes together', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    for (let n = 1; n <= 5; n++) {
      all.offer(counts({ c1: n, [`c${n}`]: n }), n)
      await time.pass(1_000)
    }
    assert.ok(delivery.isBusy)
    assert.throws(() => delivery.begin({ watermarkMs: 0, positions: {}, deadLetters: [], snapshot: NO_SNAPSHOT }))
    assert.equal(delivery.status.waitingCells, 1 + 5)
    gate.resolve()
    await time.pass(0)
    assert.equal(delivery.status.waitingCells, 5)
    all.barrier()
    await time.pass(0)
    assert.equal(sink.mostAtOnce, 1)
    assert.equal(sink.epochs.length, 2)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 5, c2: 2, c3: 3, c4: 4, c5: 5 })
  })

  it('D1: an epoch is the same at every try, whatever is offered meanwhile', async () => {
    const all = new FragileDelivery()
    const { sink, time } = all
    sink.failure = AWAY
    all.offer(counts({ c1: 1 }), 7)
    await time.pass(1_000)
    all.offer(counts({ c1: 2 }), 8)
    sink.failure = undefined
    await time.pass(5_000)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 1 })
    assert.deepEqual([sink.epochs[0]?.number, sink.epochs[0]?.watermarkMs], [1, 7])
    all.barrier(9)
    await time.pass(0)
    assert.deepEqual(tableAfter(sink.epochs), { c1: 2 })
    assert.equal(sink.epochs[1]?.number, 2)
  })

  it('D1: whenever either fails, and whatever is offered meanwhile, it ends with the newest values', async () => {
    const step = fc.record({
      fails: fc.constantFrom('none', 'sink', 'checkpoints'),
      offered: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(99), { maxKeys: 3 }),
      passMs: fc.constantFrom(0, 100, 1_000, 20_000),
    })
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const all = new FragileDelivery()
        const { sink, checkpoints, time } = all
        const expected: Record<string, number> = {}
        for (const { fails, offered, passMs } of steps) {
          sink.failure = fails === 'sink' ? AWAY : undefined
          checkpoints.failure = fails === 'checkpoints' ? AWAY : undefined
          Object.assign(expected, offered)
          all.offer(counts(offered))
          await time.pass(passMs)
        }
        sink.failure = undefined
        checkpoints.failure = undefined
        await time.pass(10_000)
        all.barrier()
        await time.pass(0)
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

  it('D2: the checkpoint is written once, before the sink has the epoch, and told of the commit', async () => {
    const all = new FragileDelivery()
    const { sink, checkpoints, time } = all
    checkpoints.failure = AWAY
    all.offer(counts({ c1: 1 }))
    await time.pass(1_000)
    assert.equal(sink.calls, 0, 'nothing goes to the sink without a checkpoint')
    checkpoints.failure = undefined
    sink.failure = AWAY
    await time.pass(5_000)
    assert.ok(sink.calls > 0)
    assert.deepEqual(checkpoints.calls, ['written 1'])
    sink.failure = undefined
    await time.pass(5_000)
    assert.deepEqual(checkpoints.calls, ['written 1', 'committed 1'])
  })

  it('says when it went away and came back', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time, changes } = all
    sink.failure = AWAY
    all.offer(counts({ c1: 1 }))
    await time.pass(3_000)
    assert.deepEqual(
      changes.map(({ state, message, sinceMs }) => [state, message, sinceMs]),
      [['down', AWAY.message, START_MS]],
    )
    sink.failure = undefined
    await time.pass(5_000)
    assert.deepEqual(
      changes.map(({ state }) => state),
      ['down', 'up'],
    )
    assert.equal(delivery.epoch, 1)
  })

  it('D3: tries again after 0.25 s, doubling to 5 s, and starts anew with each epoch', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time } = all
    sink.failure = AWAY
    const triesIn = async (ms: number): Promise<number> => {
      const before = sink.calls
      await time.pass(ms)
      return sink.calls - before
    }
    all.offer(counts({ c1: 1 }))
    assert.equal(await triesIn(0), 1)
    for (const ms of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      assert.equal(await triesIn(ms - 1), 0, `no try before ${ms} ms`)
      assert.equal(await triesIn(1), 1, `a try after ${ms} ms`)
    }
    sink.failure = undefined
    await time.pass(5_000)
    assert.equal(delivery.status.state, 'up')
    sink.failure = AWAY
    all.offer(counts({ c1: 2 }))
    await time.pass(0)
    assert.equal(await triesIn(249), 0)
    assert.equal(await triesIn(1), 1)
  })

  it('D4: is full at the limit, with what is being written, and no longer once that is in', async () => {
    const all = new FragileDelivery(4)
    const { delivery, sink, time } = all
    const gate = Promise.withResolvers<void>()
    sink.gate = gate.promise
    all.offer(counts({ a: 1, b: 1 }))
    all.offer(counts({ a: 2 }))
    assert.equal(delivery.isFull, false)
    all.offer(counts({ b: 2 }))
    assert.equal(delivery.isFull, true)
    assert.ok(delivery.status.intakePaused)
    gate.resolve()
    await time.pass(0)
    assert.equal(delivery.isFull, false)
    all.barrier()
    await time.pass(0)
    assert.deepEqual(tableAfter(sink.epochs), { a: 2, b: 2 })
  })

  it('D5: an error that no try can mend is told once, and nothing is called again', async () => {
    const all = new FragileDelivery()
    const { delivery, sink, time, fatal, changes } = all
    const error = new TidemarkError('DATABASE_SCHEMA_MISMATCH', 'A column is missing.', { fix: 'add it' })
    sink.failure = error
    all.offer(counts({ c1: 1 }))
    await time.pass(60_000)
    all.offer(counts({ c1: 2 }))
    await time.pass(60_000)
    assert.deepEqual(fatal, [error])
    assert.equal(sink.calls, 1)
    assert.deepEqual(changes, [])
    assert.equal(await delivery.drain(0), false)
  })

  it('D5: so is a bug, and a disk that cannot be trusted', async () => {
    const bug = new FragileDelivery()
    bug.sink.failure = new RangeError('oops')
    bug.offer(counts({ c1: 1 }))
    await bug.time.pass(0)
    assert.deepEqual(bug.fatal, [bug.sink.failure])
    const disk = new FragileDelivery()
    disk.checkpoints.failure = new TidemarkError('DISK_FAILED', 'fsync failed', { fix: 'another disk' })
    disk.offer(counts({ c1: 1 }))
    await disk.time.pass(60_000)
    assert.deepEqual([disk.fatal, disk.sink.calls], [[disk.checkpoints.failure], 0])
  })

  it('drain says whether everything is in, and nothing is tried afterwards', async () => {
    const all = new FragileDelivery()
    all.offer(counts({ c1: 1 }))
    assert.equal(await all.delivery.drain(1_000), true)
    const away = new FragileDelivery()
    away.sink.failure = AWAY
    away.offer(counts({ c1: 1 }))
    const drained = away.delivery.drain(1_000)
    await away.time.pass(1_000)
    assert.equal(await drained, false)
    const { calls } = away.sink
    await away.time.pass(60_000)
    assert.equal(away.sink.calls, calls)
  })
})

const NO_SNAPSHOT = { epoch: 0, since: 0, parts: [] }
