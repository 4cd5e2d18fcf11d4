/**
 * A live run by its invariants R2 to R4, with a clock of the test's own.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, TEN_MS } from '../../support/engine-rig.ts'
import { clickLine, impressionLine } from '../../support/event-lines.ts'
import { AWAY } from '../../support/fragile-sink.ts'
import { CallingSource, Live, live } from '../../support/live-run-rig.ts'
import { TableStore } from '../../support/table-store.ts'

const plan = adPlan()

describe('live run: steps and epochs', () => {
  it('R2: goes on at once while more is waiting, one step at a time', () =>
    live(async ({ time, source, pipeline }) => {
      source.linesPerPoll = 1
      source.put(0, ...Array.from({ length: 40 }, (_, i) => impressionLine(`i${i}`, TEN_MS)))
      await time.pass(50)
      assert.equal(pipeline.eventsRead, 40, 'at the very next step, without waiting in between')
      assert.ok(source.polls >= 40)
    }))

  it('R2: a source that calls is read a moment later, and hardly asked while it is silent', async () => {
    const source = new CallingSource()
    const all = new Live(['impressions'], undefined, plan, source).start()
    await all.time.pass(100)
    source.put(0, impressionLine('i1', TEN_MS))
    await all.time.pass(6)
    assert.equal(all.pipeline.eventsRead, 1)
    source.polls = 0
    await all.time.pass(MINUTE_MS)
    assert.ok(source.polls <= 60 * 5, `asked ${source.polls} times in a minute`)
    assert.equal(all.run.status().partitions[0]?.state, 'idle')
    await all.stop()
    assert.equal(source.listeners, 0)
  })

  it('control: one that does not call is asked all the time', () =>
    live(async ({ time, source }) => {
      await time.pass(MINUTE_MS)
      assert.ok(source.polls > 60 * 15)
    }))

  it('R4: a barrier is never within a block', async () => {
    const source = new CallingSource()
    source.linesPerPoll = 1
    source.linesPerBlock = 30
    source.put(0, ...Array.from({ length: 60 }, (_, i) => impressionLine(`i${i}`, TEN_MS)))
    const all = new Live(['impressions'], undefined, plan, source).start()
    assert.equal(all.pipeline.eventsRead, 1)
    all.run.closeEpoch()
    assert.equal(all.pipeline.eventsRead, 30, 'the block was read to its end, and no further')
    await all.time.pass(2_000)
    await all.stop()
    const ends = all.sink.epochs.map(({ positions }) => positions?.['0'])
    assert.deepEqual([...new Set(ends)], [30, 60])
  })

  it('R3: every change goes to the listener and to the sink, page roll-ups to the listener alone', async () => {
    const all = new Live().start()
    const { source, time, heard, sink } = all
    for (let i = 0; i < 200; i++) {
      const eventMs = TEN_MS + i * 100
      source.put(0, impressionLine(`i${i}`, eventMs, { campaign_id: `c${i % 3}` }))
      if (i % 2 === 0) source.put(1, clickLine(`k${i}`, `i${i}`, eventMs + 50))
      await time.pass(100)
    }
    await all.stop()
    const listener = new TableStore(plan)
    for (const changes of heard) listener.apply(changes)
    assert.deepEqual(listener.tables(), all.tables())
    const impressions = (all.tables().get('ctr_by_campaign') ?? []).reduce((sum, row) => sum + Number(row[3]), 0)
    assert.equal(impressions, 200)
    assert.ok(heard.length >= 20, 'an epoch a second')
    assert.ok(heard.every(({ cells }) => cells.some(({ rollUp }) => rollUp === 'of the page')))
    assert.ok(sink.epochs.every(({ changes }) => changes.cells.every(({ rollUp }) => rollUp !== 'of the page')))
  })

  it('R3: nothing is lost when it is stopped in the middle of an epoch', async () => {
    const all = new Live().start()
    await all.time.pass(100)
    all.source.put(0, impressionLine('i1', TEN_MS))
    await all.time.pass(50)
    await all.stop()
    assert.equal(all.tables().get('ctr_by_campaign')?.length, 1)
  })

  it('R3: nor when the sink was away for a while', async () => {
    const all = new Live().start()
    const { source, time, sink } = all
    for (let second = 0; second < 60; second++) {
      sink.failure = second >= 10 && second < 40 ? AWAY : undefined
      source.put(0, impressionLine(`i${second}`, TEN_MS + second * 1_000, { campaign_id: `c${second % 7}` }))
      source.put(1, clickLine(`k${second}`, `i${second}`, TEN_MS + second * 1_000))
      await time.pass(1_000)
    }
    await time.pass(6_000)
    await all.stop()
    const listener = new TableStore(plan)
    for (const changes of all.heard) listener.apply(changes)
    assert.deepEqual(all.tables(), listener.tables())
  })
})

describe('live run: barriers', () => {
  it('R1: a partition that something is on its way of is not idle, however long it takes', () =>
    live(async ({ time, source, run }) => {
      source.onItsWay.add(1)
      source.put(0, impressionLine('i1', TEN_MS))
      await time.pass(MINUTE_MS)
      assert.deepEqual(
        run.status().partitions.map(({ state }) => state),
        ['idle', 'waiting'],
      )
      source.onItsWay.delete(1)
      await time.pass(1_000)
      assert.deepEqual(
        run.status().partitions.map(({ state }) => state),
        ['idle', 'idle'],
      )
    }))

  it('R4: positions, dead letters and changes of an epoch are those of one moment', async () => {
    const all = new Live().start()
    const { source, time, sink } = all
    for (let second = 0; second < 20; second++) {
      source.put(0, impressionLine(`i${second}`, TEN_MS + second * 1_000), 'broken')
      if (second % 5 === 0) source.put(1, clickLine(`k${second}`, `i${second}`, TEN_MS + second * 1_000))
      await time.pass(1_000)
    }
    await all.stop()
    let lines = 0
    const store = new TableStore(plan)
    for (const { changes, positions, deadLetters } of sink.epochs) {
      store.apply(changes)
      lines += deadLetters?.length ?? 0
      const ledger = (store.tables().get('ledger') ?? []).reduce((sum, row) => sum + Number(row.at(-1)), 0)
      const read = Object.values(positions ?? {}).reduce((sum, taken) => sum + taken, 0)
      assert.equal(ledger, read, 'the ledger holds every record up to the positions, and no other')
    }
    assert.equal(lines, 20)
  })

  it('nothing is written while nothing comes in, but for the watermark now and then', () =>
    live(async ({ time, sink }) => {
      await time.pass(2_000)
      const before = sink.epochs.length
      await time.pass(MINUTE_MS)
      const quiet = sink.epochs.length - before
      assert.ok(quiet >= 4 && quiet <= 7, `${quiet} epochs in a quiet minute`)
    }))
})

describe('live run: status', () => {
  it('says what was read, from where, how fast, and that it balances', () =>
    live(
      async ({ time, source, run }) => {
        const waiting = run.status()
        assert.deepEqual(
          waiting.partitions.map(({ state, partition, watermarkMs }) => [state, partition, watermarkMs]),
          [
            ['waiting', 0, null],
            ['waiting', 1, null],
            ['waiting', 0, null],
          ],
        )
        assert.deepEqual([waiting.watermarkMs, waiting.finalUpToMs, waiting.eventsPerSecond], [null, null, 0])
        for (let second = 0; second < 8; second++) {
          const lines = Array.from({ length: 30 }, (_, i) => impressionLine(`${second}-${i}`, TEN_MS + second * 1_000))
          source.put(0, ...lines, lines[0] ?? '', 'not json')
          source.put(2, clickLine(`k${second}`, `${second}-1`, TEN_MS + second * 1_000))
          await time.pass(1_000)
        }
        const status = run.status()
        assert.ok(Math.abs(status.eventsPerSecond - 33) < 7, `${status.eventsPerSecond} events/s`)
        assert.deepEqual([status.nowMs, status.startedAtMs], [TEN_MS + 8_000, TEN_MS])
        assert.deepEqual(
          status.partitions.map(({ eventsRead, name }) => [name, eventsRead]),
          [
            ['impressions/0', 8 * 32],
            ['impressions/1', 0],
            ['clicks/2', 8],
          ],
        )
        assert.equal(status.partitions[0]?.watermarkMs, TEN_MS + 7_000 - 5_000)
        assert.equal(status.partitions[1]?.silentForMs, 8_000)
        assert.equal(status.heldBackBy, 1)
        assert.deepEqual(
          status.partitions.map(({ behindMs, waitsFor, idleInMs }) => [behindMs, waitsFor, idleInMs]),
          [
            [6_000, 'event', 9_050],
            [null, 'first_event', 2_000],
            [6_000, 'event', 9_050],
          ],
        )
        source.onItsWay.add(1)
        source.put(2, clickLine('last', '1-1', TEN_MS))
        const received = run.status()
        assert.deepEqual(
          received.partitions.map(({ waitsFor, idleInMs }) => [waitsFor, idleInMs]),
          [
            ['event', 9_050],
            ['disk', null],
            ['engine', null],
          ],
        )
        assert.deepEqual([received.unreadBytes, received.committedAtMs], [1, TEN_MS + 8_000])
        const { impressions, clicks } = status.ledger
        assert.deepEqual([impressions.read, impressions.difference], [8 * 32, 0])
        assert.deepEqual(
          [impressions.classes.counted, impressions.classes.duplicate, impressions.classes.malformed],
          [240, 8, 8],
        )
        assert.deepEqual([clicks.read, clicks.classes.counted, clicks.difference], [8, 8, 0])
      },
      ['impressions', 'impressions', 'clicks'],
    ))
})
