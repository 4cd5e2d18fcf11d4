/**
 * A replay by its invariants Q1 and Q2: it commits once, after everything, or never.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamName } from '../../../src/pipeline/plan.ts'
import type { ByteSource } from '../../../src/runtime/ports.ts'
import { replay, type ReplayOptions, type ReplayProgress } from '../../../src/runtime/replay.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, TEN_MS } from '../../support/engine-rig.ts'
import { memorySource } from '../../support/engine-driver.ts'
import { clickLine, impressionLine, lineBytes } from '../../support/event-lines.ts'
import { FragileSink } from '../../support/fragile-sink.ts'

const plan = adPlan()

const IMPRESSIONS = lineBytes(
  ...Array.from({ length: 2_000 }, (_, i) => impressionLine(`i${i}`, TEN_MS + i * 3_000, { campaign_id: `c${i % 4}` })),
)
const CLICKS = lineBytes(...Array.from({ length: 500 }, (_, i) => clickLine(`k${i}`, `i${i * 4}`, TEN_MS + i * 12_000)))

interface Given extends Partial<Omit<ReplayOptions, 'partitions'>> {
  readonly sources?: readonly { readonly stream: StreamName; readonly source: ByteSource }[]
}

function optionsOf(sink: FragileSink, { sources, ...given }: Given = {}): ReplayOptions {
  return {
    plan,
    partitions: sources ?? [
      { stream: 'impressions', source: memorySource('impressions.ndjson', IMPRESSIONS, 10_000) },
      { stream: 'clicks', source: memorySource('clicks.ndjson', CLICKS, 10_000) },
    ],
    sink,
    deadLetters: { write: () => undefined },
    random: new Int32Array(16).fill(3),
    nowMs: () => 0,
    yieldTurn: async () => {},
    ...given,
  }
}

/** A clock on which every look is a turn later. */
function restlessClock(): () => number {
  let nowMs = 0
  return () => (nowMs += 100)
}

/** A source that fails after some reads. */
function failingSource(bytes: Uint8Array, goodReads: number, isAsync: boolean): ByteSource {
  const source = memorySource('impressions.ndjson.gz', bytes, 10_000)
  let reads = 0
  return {
    name: source.name,
    byteLength: undefined,
    get bytesTaken() {
      return source.bytesTaken
    },
    read(into, offset, length) {
      if (reads++ < goodReads) return source.read(into, offset, length)
      const error = new Error('unexpected end of file')
      if (isAsync) return Promise.reject(error)
      throw error
    },
    close: async () => {},
  }
}

describe('replay', () => {
  it('Q1: commits once, after everything was written', async () => {
    const sink = new FragileSink()
    const result = await replay(optionsOf(sink))
    assert.equal(sink.committed, 1)
    assert.equal(result.events, 2_500)
    assert.equal(result.ledger.clicks.counted, 500)
    const written = sink.epochs.flatMap(({ changes }) =>
      changes.cells.filter(({ rollUp }) => rollUp === 'ctr_by_campaign'),
    )
    assert.equal(
      written.flatMap(({ impressions }) => impressions).reduce((a, b) => a + b, 0),
      2_000,
    )
    assert.ok(written.every(({ isFinal }) => isFinal.every(Boolean)))
  })

  it('hands windows over as they become final, not all at the end', async () => {
    const sink = new FragileSink()
    await replay(optionsOf(sink))
    assert.ok(sink.epochs.length > 30, `${sink.epochs.length} epochs`)
    const sizes = sink.epochs.map(({ changes }) => changes.cells.reduce((sum, { count }) => sum + count, 0))
    assert.ok(Math.max(...sizes) < 45 * 30)
    const watermarks = sink.epochs.map(({ watermarkMs }) => watermarkMs)
    assert.deepEqual(
      watermarks,
      watermarks.toSorted((a, b) => a - b),
    )
    assert.equal(watermarks.at(-1), Infinity)
  })

  it('Q2: the size of reads leaves no trace', async () => {
    const results = await Promise.all(
      [37, 4_096, 1 << 20].map((chunkBytes) =>
        replay(
          optionsOf(new FragileSink(), {
            sources: [
              { stream: 'impressions', source: memorySource('a', IMPRESSIONS, chunkBytes) },
              { stream: 'clicks', source: memorySource('b', CLICKS, chunkBytes) },
            ],
          }),
        ),
      ),
    )
    for (const { read, ledger, cells } of results)
      assert.deepEqual(
        { read, ledger, cells },
        { read: results[0]?.read, ledger: results[0]?.ledger, cells: results[0]?.cells },
      )
  })

  for (const isAsync of [false, true])
    it(`Q1: a source that fails midway, ${isAsync ? 'asynchronous' : 'synchronous'}, leaves nothing committed`, async () => {
      const sink = new FragileSink()
      const source = failingSource(IMPRESSIONS, 25, isAsync)
      await assert.rejects(replay(optionsOf(sink, { sources: [{ stream: 'impressions', source }] })), /unexpected end/)
      assert.equal(sink.committed, 0)
      assert.ok(sink.epochs.length > 0, 'control: windows had been written by then')
    })

  it('Q1: a sink that fails leaves nothing committed, and is not asked again', async () => {
    const sink = new FragileSink()
    sink.afterWrite = () => {
      if (sink.epochs.length === 3) sink.failure = new Error('the disk is full')
    }
    await assert.rejects(replay(optionsOf(sink)), /the disk is full/)
    assert.equal(sink.committed, 0)
    assert.equal(sink.epochs.length, 3)
    assert.equal(sink.calls, 1 + 3 + 1)
  })

  it('a sink that cannot be opened is told before anything is read', async () => {
    const sink = new FragileSink()
    sink.failure = new Error('no such folder')
    const source = memorySource('impressions.ndjson', IMPRESSIONS, 1_000)
    await assert.rejects(replay(optionsOf(sink, { sources: [{ stream: 'impressions', source }] })), /no such folder/)
    assert.equal(source.bytesTaken, 0)
  })

  it('Q1: an interruption leaves nothing committed', async () => {
    const sink = new FragileSink()
    const controller = new AbortController()
    let turns = 0
    const yieldTurn = async (): Promise<void> => {
      if (++turns === 5) controller.abort()
    }
    const options = optionsOf(sink, { nowMs: restlessClock(), yieldTurn, signal: controller.signal })
    await assert.rejects(replay(options), { code: 'INTERRUPTED', message: /nothing was written/ })
    assert.equal(turns, 5)
    assert.equal(sink.committed, 0)
  })

  it('Q1: even when it comes with the very last write', async () => {
    const sink = new FragileSink()
    const controller = new AbortController()
    sink.afterWrite = () => {
      if (sink.epochs.at(-1)?.watermarkMs === Infinity) controller.abort()
    }
    await assert.rejects(replay(optionsOf(sink, { signal: controller.signal })), { code: 'INTERRUPTED' })
    assert.equal(sink.committed, 0)
  })

  it('reports progress by bytes where all lengths are known', async () => {
    const seen: ReplayProgress[] = []
    const onProgress = (progress: ReplayProgress): unknown => seen.push(progress)
    await replay(optionsOf(new FragileSink(), { nowMs: restlessClock(), onProgress }))
    const byteLength = IMPRESSIONS.length + CLICKS.length
    assert.deepEqual(seen.at(-1), { bytesTaken: byteLength, byteLength, events: 2_500 })
    assert.ok(seen.length > 3)
    const source = failingSource(CLICKS, 1, false)
    await assert.rejects(
      replay(
        optionsOf(new FragileSink(), { sources: [{ stream: 'clicks', source }], onProgress, nowMs: restlessClock() }),
      ),
    )
    assert.equal(seen.at(-1)?.byteLength, undefined)
  })

  it('reads partitions in step: state stays as small as for one in order', async () => {
    const late = lineBytes(
      ...Array.from({ length: 2_000 }, (_, i) => impressionLine(`j${i}`, TEN_MS + 90 * MINUTE_MS + i * 3_000)),
    )
    const ahead = memorySource('ahead', late, 1_000)
    const behind = memorySource('behind', IMPRESSIONS, 1_000)
    let readAheadBytes = 0
    const watched: ByteSource = {
      name: behind.name,
      byteLength: behind.byteLength,
      get bytesTaken() {
        return behind.bytesTaken
      },
      read(into, offset, length) {
        readAheadBytes = Math.max(readAheadBytes, ahead.bytesTaken)
        return behind.read(into, offset, length)
      },
      close: () => behind.close(),
    }
    const sources = [
      { stream: 'impressions', source: ahead },
      { stream: 'impressions', source: watched },
    ] as const
    const result = await replay(optionsOf(new FragileSink(), { sources }))
    assert.equal(result.ledger.impressions.counted, 4_000)
    assert.ok(readAheadBytes < late.length / 4 + 20_000, `${readAheadBytes} of ${late.length} bytes read ahead`)
  })

  it('an input without any record gives empty tables', async () => {
    const sink = new FragileSink()
    const sources = [{ stream: 'impressions', source: memorySource('empty', lineBytes(), 1_000) }] as const
    const { events, cells } = await replay(optionsOf(sink, { sources }))
    assert.equal(events, 0)
    assert.ok(Object.values(cells).every((rows) => rows === 0))
    assert.equal(sink.committed, 1)
  })
})
