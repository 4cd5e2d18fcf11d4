/**
 * What a hostile or a broken producer can do to the engine: right numbers, bounded memory, no quadratic time.
 *
 * Times are compared with each other only, n against 8 n, and far from any limit: linear work takes 8 times as long,
 * quadratic work 64 times.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamName } from '../../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { stepPartitions } from '../../support/engine-driver.ts'
import { adPlan, EngineRig, TEN_MS, type ClickRow, type ImpressionRow } from '../../support/engine-rig.ts'
import { clickLine, impressionLine } from '../../support/event-lines.ts'

const BATCH = 2_000
const MAX_TIMES_SLOWER = 40

/** Calls `offer` with runs of `count` numbers. */
function inBatches(count: number, offer: (numbers: readonly number[]) => void): void {
  for (let start = 0; start < count; start += BATCH)
    offer(Array.from({ length: Math.min(BATCH, count - start) }, (_, i) => start + i))
}

/** Processor time of the shortest of three runs, ms: other programs do not count, and caches only ever add. */
function shortestMs(run: () => void): number {
  const times = [1, 2, 3].map(() => {
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...times)
}

function assertNotQuadratic(run: (count: number) => void, count: number): void {
  run(count)
  const fewMs = shortestMs(() => run(count))
  const manyMs = shortestMs(() => run(count * 8))
  assert.ok(manyMs < fewMs * MAX_TIMES_SLOWER, `${count}: ${fewMs} ms, 8 times as many: ${manyMs} ms`)
}

describe('hostile: a campaign of its own for every event', () => {
  /** Feeds a minute of 1,000 events after the other; returns the most that was held. */
  function feed(rig: EngineRig, events: number): { cells: number; texts: number; rows: number } {
    const peak = { cells: 0, texts: 0, rows: 0 }
    inBatches(events, (numbers) => {
      const impressions = numbers.map((id): ImpressionRow => {
        return { id, timeMs: TEN_MS + id * 60, dimensions: [`campaign ${id}`, `device ${id}`, 'chrome'], costMicros: 1 }
      })
      rig.impressions(impressions)
      rig.clicks(
        numbers.filter((id) => id % 10 === 0).map((id) => ({ id, impressionId: id, timeMs: TEN_MS + id * 60 })),
      )
      rig.engine.advance()
      for (const { cells } of rig.takeFinal()) peak.rows += cells.reduce((sum, { count }) => sum + count, 0)
      peak.cells = Math.max(peak.cells, rig.engine.state().cells)
      peak.texts = Math.max(peak.texts, ...rig.dictionaries.map(({ size }) => size))
    })
    return peak
  }

  it('G3 of engine.ts: what is held follows the windows, not the length of the input', () => {
    const short = feed(new EngineRig(adPlan()), 80_000)
    const long = feed(new EngineRig(adPlan()), 200_000)
    assert.ok(short.texts < 80_000)
    assert.ok(long.texts < short.texts * 1.3, `${long.texts} texts, ${short.texts} in less than half the input`)
    assert.ok(long.cells < short.cells * 1.3, `${long.cells} cells, ${short.cells} in less than half the input`)
  })

  it('every cell comes out right, under its own name', () => {
    const rig = new EngineRig(adPlan())
    const { rows } = feed(rig, 70_000)
    assert.ok(rows > 0)
    const final = rig.finish()
    for (const [campaign, , , impressions, clicks, , spend] of final.get('ctr_by_campaign') ?? []) {
      const id = Number(campaign?.split(' ')[1])
      assert.deepEqual([impressions, clicks, spend], ['1', id % 10 === 0 ? '1' : '0', '0.000001'])
    }
    assert.equal(rig.engine.classesOf('clicks').counted, 7_000)
  })

  it('late events of new campaigns do not blow old windows up', () => {
    const rig = new EngineRig(adPlan())
    const usual = Array.from({ length: 2_000 }, (_, id) => ({ id, timeMs: TEN_MS, dimensions: [`c${id % 1_000}`] }))
    rig.impressions(usual).handOut()
    inBatches(60_000, (numbers) =>
      rig.impressions(
        numbers.map((n) => ({ id: 10_000 + n, timeMs: TEN_MS + 4 * MINUTE_MS, dimensions: [`campaign ${n}`] })),
      ),
    )
    rig.handOut()
    rig.impressions([{ id: 1, timeMs: TEN_MS, dimensions: ['late one'] }])
    rig.impressions([{ id: 100_000, timeMs: TEN_MS, dimensions: ['late one'] }]).handOut()
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.equal(rows.length, 61_001)
    assert.deepEqual(
      rows.filter(([campaign]) => campaign === 'late one').map((row) => row[3]),
      ['1'],
    )
  })
})

describe('hostile: 200,000 clicks on one impression', () => {
  const plan = adPlan({ outOfOrderness: '40m' })
  const orders: Readonly<Record<string, (i: number, count: number) => number>> = {
    ascending: (i) => i,
    descending: (i, count) => count - 1 - i,
    'random order': (i, count) => (i * 48_271) % count,
  }

  function run(orderOf: (i: number, count: number) => number, count: number, clicksFirst: boolean): EngineRig {
    const rig = new EngineRig(plan)
    const impression = [{ id: 1, timeMs: TEN_MS }]
    if (!clicksFirst) rig.impressions(impression)
    inBatches(count, (numbers) =>
      rig.clicks(
        numbers.map((i): ClickRow => {
          const place = orderOf(i, count)
          return { id: i, impressionId: 1, timeMs: TEN_MS + 1_000 + Math.floor((place * 1_790_000) / count) }
        }),
      ),
    )
    if (clicksFirst) rig.impressions(impression)
    return rig
  }

  for (const [name, orderOf] of Object.entries(orders))
    for (const clicksFirst of [false, true])
      it(`${name}, ${clicksFirst ? 'before' : 'after'} it: the earliest counts, the others repeat`, () => {
        const rig = run(orderOf, 200_000, clicksFirst)
        assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 199_999 })
        const minutes = (rig.finish().get('clicks_by_minute') ?? []).map((row) => [row[2]?.slice(11, 16), row[4]])
        assert.deepEqual(minutes, [['10:00', '1']])
        assertNotQuadratic((count) => run(orderOf, count, clicksFirst), 25_000)
      })
})

describe('hostile: times', () => {
  it('all events in one millisecond', () => {
    const rig = new EngineRig(adPlan())
    const count = 150_000
    for (const round of [1, 2]) {
      inBatches(count, (numbers) => rig.impressions(numbers.map((id) => ({ id, timeMs: TEN_MS }))))
      inBatches(count, (numbers) =>
        rig.clicks(numbers.map((id) => ({ id, impressionId: count - 1 - id, timeMs: TEN_MS }))),
      )
      assert.equal(rig.engine.ledger.readOf(0), round * count)
    }
    assert.deepEqual(rig.classes('impressions'), { counted: count, duplicate: count })
    assert.deepEqual(rig.classes('clicks'), { counted: count, duplicate: count })
  })

  it('one event a minute over a year, with windows and attribution of a day', () => {
    const rig = new EngineRig(adPlan({ windowSize: '1d', attributionWindow: '1d' }))
    const minutes = 365 * 1_440
    const peak = { liveImpressions: 0, liveClicks: 0, cells: 0, idBytes: 0 }
    for (let minute = 0; minute < minutes; minute += 720) {
      const numbers = Array.from({ length: 720 }, (_, i) => minute + i)
      rig.impressions(numbers.map((id) => ({ id, timeMs: TEN_MS + id * MINUTE_MS })))
      const clicked = numbers.filter((id) => id % 7 === 0)
      rig.clicks(clicked.map((id) => ({ id, impressionId: id - 70, timeMs: TEN_MS + id * MINUTE_MS })))
      rig.engine.advance()
      rig.handOut(true)
      const state = rig.engine.state()
      for (const name of Object.keys(peak) as (keyof typeof peak)[]) peak[name] = Math.max(peak[name], state[name])
    }
    assert.ok(peak.liveImpressions < 3 * 1_440, `${peak.liveImpressions} impressions remembered`)
    assert.ok(peak.idBytes < 6e6, `${peak.idBytes} bytes`)
    assert.ok(peak.cells < 30)
    const clicks = Math.ceil(minutes / 7)
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.deepEqual(rig.classes('clicks'), { counted: clicks - 10, orphan: 10 })
    assert.equal(rows.length, 366)
    assert.equal(
      rows.reduce((sum, row) => sum + Number(row[3]), 0),
      minutes,
    )
  })

  it('one event a minute for days, with windows of a minute that stay open for hours', () => {
    const run = (minutes: number): void => {
      const rig = new EngineRig(adPlan({ attributionWindow: '6h' }))
      let final = 0
      for (let minute = 0; minute < minutes; minute += 1_000) {
        const numbers = Array.from({ length: 1_000 }, (_, i) => minute + i)
        rig.impressions(numbers.map((id) => ({ id, timeMs: TEN_MS + id * MINUTE_MS })))
        rig.clicks(numbers.map((id) => ({ id, impressionId: id, timeMs: TEN_MS + id * MINUTE_MS })))
        rig.engine.advance()
        for (const { cells } of rig.takeFinal()) final += cells[0]?.count ?? 0
      }
      assert.ok(final >= minutes - 500)
    }
    assertNotQuadratic(run, 1_000)
  })

  it('far-future events on one partition hold nothing up, and nothing is lost', () => {
    const partitions: StreamName[] = ['impressions', 'impressions', 'clicks']
    const run = (seconds: number): EngineRig => {
      const rig = new EngineRig(adPlan(), { partitions })
      for (let second = 0; second < seconds; second++) {
        const t = TEN_MS + second * 1_000
        rig.impressions([{ id: second, timeMs: t }], 0)
        const far = t + 86_400_000 * (second % 10 === 0 ? 3_650 : 1)
        rig.impressions([{ id: 1_000_000 + second, timeMs: far }], 1)
        rig.clicks([{ id: second, impressionId: second, timeMs: t }])
        if (second === 5) assert.equal(rig.engine.advance(), t - 5_000, 'the others are what counts')
        rig.engine.advance()
      }
      return rig
    }
    const rig = run(3_000)
    assert.equal(rig.engine.watermarks.pipelineMs, TEN_MS + 2_999_000 - 5_000)
    const { counted, late } = rig.engine.classesOf('impressions')
    // After the first, an event a day ahead is years behind its partition.
    assert.deepEqual([counted, late], [3_000 + 300, 2_700])
    assert.equal(rig.engine.classesOf('clicks').counted, 3_000)
    assert.ok(rig.engine.state().liveImpressions < 2_700 + 300)
    assertNotQuadratic(run, 1_000)
  })
})

describe('hostile: ids', () => {
  it('ids that differ only in case, in hyphens or in how a number is written are apart', () => {
    const uuid = '6f1c1d3e-8a53-4b0c-9a8e-1f2d3c4b5a69'
    const ids = [uuid, uuid.toUpperCase(), uuid.replaceAll('-', ''), 'abc', 'ABC', 'aBc', '1', '1.0', '01', '1e0']
    const lines = (make: (id: string, i: number) => string): Uint8Array[] =>
      ids.map((id, i) => Buffer.from(make(id, i)))
    const { pipeline } = stepPartitions(
      adPlan(),
      [
        { stream: 'impressions', lines: lines((id) => impressionLine(id, TEN_MS)) },
        { stream: 'clicks', lines: lines((id, i) => clickLine(`k${i}`, id, TEN_MS + 1)) },
      ],
      [],
    )
    assert.equal(pipeline.engine.classesOf('impressions').counted, ids.length)
    assert.equal(pipeline.engine.classesOf('clicks').counted, ids.length)
  })

  it('one id over and over, as soon as it is a new event again', () => {
    const run = (count: number): void => {
      const rig = new EngineRig(adPlan({ attributionWindow: '1s', clockSkewTolerance: '0s', allowedLateness: '0s' }))
      inBatches(count, (numbers) => {
        rig.impressions(numbers.map((n) => ({ id: 1, timeMs: TEN_MS + n * 1_001 })))
        rig.passTo(TEN_MS + ((numbers.at(-1) ?? 0) + 1) * 1_001 - 6_000)
        assert.ok([...rig.takeFinal()].length > 0)
      })
      assert.deepEqual(rig.classes('impressions'), { counted: count })
    }
    assertNotQuadratic(run, 5_000)
  })
})

describe('hostile: parameters at their extremes', () => {
  it('L = 0 and e = A: a click may be as far before its impression as behind it', () => {
    const plan = adPlan({
      attributionWindow: '30m',
      clockSkewTolerance: '30m',
      allowedLateness: '0s',
      outOfOrderness: '2h',
    })
    const rig = new EngineRig(plan).impressions([{ id: 1, timeMs: TEN_MS }])
    const offsets = [-1_800_001, -1_800_000, 1_800_000, 1_800_001]
    rig.clicks(offsets.map((ms, id) => ({ id, impressionId: 1, timeMs: TEN_MS + ms })))
    assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 1, pending: 2 })
    // Another impression of the id, just far enough away, takes the later of them, and one that was pending.
    rig.impressions([{ id: 1, timeMs: TEN_MS + 1_800_001 }])
    assert.deepEqual(rig.classes('clicks'), { counted: 2, repeat: 1, pending: 1 })
    rig.finish()
    assert.deepEqual(rig.classes('clicks'), { counted: 2, repeat: 1, orphan: 1 })
    assert.deepEqual(rig.store.brokenFinals, [])
  })

  it('no out-of-orderness and no lateness: only what is in order is accepted', () => {
    const rig = new EngineRig(adPlan({ outOfOrderness: '0s', allowedLateness: '0s', clockSkewTolerance: '0s' }))
    rig.impressions([5, 5, 4, 6].map((ms, id) => ({ id, timeMs: TEN_MS + ms })))
    assert.deepEqual(rig.classes('impressions'), { counted: 3, late: 1 })
  })

  it('an attribution window of 1 ms, and one of a year', () => {
    const offsets = [0, 1, 2, 366 * 86_400_000, 366 * 86_400_000 + 1]
    const classes = (attributionWindow: string): unknown => {
      const plan = adPlan({ attributionWindow, clockSkewTolerance: '0s', allowedLateness: '0s' })
      const rig = new EngineRig(plan).impressions([{ id: 1, timeMs: TEN_MS }])
      rig.clicks(offsets.map((ms, id) => ({ id, impressionId: 1, timeMs: TEN_MS + ms })))
      return rig.classes('clicks')
    }
    assert.deepEqual(classes('1ms'), { counted: 1, repeat: 1, pending: 3 })
    assert.deepEqual(classes('366d'), { counted: 1, repeat: 3, pending: 1 })
  })

  it('the first and the last millisecond an event may have', () => {
    const first = Date.UTC(2000, 0, 1)
    const last = Date.UTC(2101, 0, 1) - 1
    const rig = new EngineRig(adPlan({ windowSize: '1d' }))
    rig.impressions([first, last].map((timeMs, id) => ({ id, timeMs })))
    rig.clicks([first, last].map((timeMs, id) => ({ id, impressionId: id, timeMs })))
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.deepEqual(
      rows.map((row) => [row[1], row[3], row[4]]),
      [
        ['2000-01-01T00:00:00.000Z', '1', '1'],
        ['2100-12-31T00:00:00.000Z', '1', '1'],
      ],
    )
  })
})
