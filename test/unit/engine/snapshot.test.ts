/**
 * Snapshots by what they cost and what they refuse. That they give the same engine back is `snapshot.property.test.ts`.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { readHead } from '../../../src/engine/snapshot/granule-rows.ts'
import { SECTION, sectionsOf } from '../../../src/engine/snapshot/payload.ts'
import type { CarryPolicy } from '../../../src/engine/snapshot/save.ts'
import { TidemarkError } from '../../../src/errors.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import { SnapshotStore } from '../../support/engine-driver.ts'
import { adPlan, TEN_MS } from '../../support/engine-rig.ts'
import { TableStore } from '../../support/table-store.ts'
import { clickLine, impressionLine } from '../../support/event-lines.ts'

const plan = adPlan({ attributionWindow: '1m', allowedLateness: '10s', outOfOrderness: '1s' })
const NAMES = ['http/impressions', 'http/clicks'] as const
const STREAMS = { 'http/impressions': 'impressions', 'http/clicks': 'clicks' } as const

function options(names: readonly (keyof typeof STREAMS)[] = NAMES, carryPolicy?: CarryPolicy) {
  return {
    plan,
    rollUps: plan.tables,
    partitions: names.map((name) => ({ name, stream: STREAMS[name] })),
    deadLetters: { write: (): void => undefined },
    random: new Int32Array(16).fill(7),
    ...(carryPolicy === undefined ? {} : { carryPolicy }),
  }
}

function offer(pipeline: Pipeline, partition: number, lines: readonly string[]): void {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  pipeline.offerLines(partition, bytes, 0, bytes.length, Infinity)
}

function impressions(pipeline: Pipeline, from: number, count: number, timeMs: number): void {
  const line = (i: number): string => impressionLine(`i${from + i}`, timeMs, { campaign_id: `c${i % 7}` })
  offer(
    pipeline,
    0,
    Array.from({ length: count }, (_, i) => line(i)),
  )
}

/** A thousand impressions that cost as much as one can: 10^15 millionths. */
function costly(pipeline: Pipeline, epoch: number): void {
  const given = { campaign_id: 'dear', cost: 1_000_000 }
  const line = (i: number): string => impressionLine(`dear${epoch}-${i}`, TEN_MS + epoch, given)
  offer(
    pipeline,
    0,
    Array.from({ length: 1_000 }, (_, i) => line(i)),
  )
}

const byteLength = (parts: readonly Uint8Array[]): number => parts.reduce((bytes, part) => bytes + part.length, 0)

/** A store with the snapshots of a few epochs. */
function savedEpochs(): SnapshotStore {
  const pipeline = new Pipeline(options())
  const store = new SnapshotStore()
  for (let epoch = 1; epoch <= 3; epoch++) {
    impressions(pipeline, epoch * 10, 5, TEN_MS + epoch)
    pipeline.engine.changes()
    store.add(pipeline.snapshot(epoch))
  }
  return store
}

/** How many texts a payload says are gone. */
function freedTexts(payload: Uint8Array): number {
  let freed = 0
  for (const { kind, body } of sectionsOf(payload, 'lasting')) {
    if (kind !== SECTION.texts) continue
    body.u32()
    for (let count = body.u32(); count > 0; count--) {
      body.i32()
      const length = body.i32()
      if (length < 0) freed++
      else body.bytes(length)
    }
  }
  return freed
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof TidemarkError && error.code === code

describe('snapshots', () => {
  it('S2: a snapshot is as large as what is new, whatever is remembered', () => {
    const sizes = [100, 1_000, 40_000].map((remembered) => {
      const pipeline = new Pipeline(options())
      impressions(pipeline, 0, remembered, TEN_MS)
      pipeline.engine.changes()
      const whole = byteLength(pipeline.snapshot(1).parts)
      impressions(pipeline, 1_000_000, 50, TEN_MS + 2_000)
      offer(pipeline, 1, [clickLine('k1', 'i3', TEN_MS + 2_000)])
      pipeline.engine.changes()
      return { whole, added: byteLength(pipeline.snapshot(2).parts) }
    })
    const [small, middle, large] = sizes
    assert.ok((large?.whole ?? 0) > 100 * (small?.whole ?? Infinity), 'the first is the whole state')
    // Larger counts in the same cells take a byte more now and then.
    for (const other of [middle, large]) assert.ok((other?.added ?? Infinity) - (small?.added ?? 0) < 100)
  })

  it('S2: a snapshot of nothing new is a few scalars', () => {
    const pipeline = new Pipeline(options())
    impressions(pipeline, 0, 10_000, TEN_MS)
    pipeline.engine.changes()
    pipeline.snapshot(1)
    assert.ok(byteLength(pipeline.snapshot(2).parts) < 1_000)
  })

  it('S6: rows saved ahead are in the next snapshot, once, with what changed of them since; and no more than some', () => {
    const pipeline = new Pipeline(
      options(NAMES, { slackBytes: 1 << 20, maxPayloads: 100, stepBytes: 1, aheadRows: 100 }),
    )
    const store = new SnapshotStore()
    store.add(pipeline.snapshot(1))
    impressions(pipeline, 0, 150, TEN_MS)
    pipeline.engine.saveAhead()
    impressions(pipeline, 150, 30, TEN_MS)
    pipeline.engine.saveAhead()
    offer(pipeline, 1, [clickLine('k1', 'i3', TEN_MS + 1)])
    store.add(pipeline.snapshot(2))
    const sections = [...sectionsOf(store.chain().at(-1) as Uint8Array, 'lasting')]
    const rows = sections.filter(({ kind }) => kind === SECTION.impressionRows).map(({ body }) => readHead(body))
    assert.deepEqual(
      rows.map(({ from, to }) => `${from}-${to}`),
      ['0-150', '150-180'],
    )
    const restored = Pipeline.restore(options(), store.chain())
    // The click counts once: its impression knows of it, although it was saved before.
    for (const one of [pipeline, restored]) offer(one, 1, [clickLine('k2', 'i3', TEN_MS + 2)])
    assert.deepEqual(restored.engine.classesOf('clicks'), pipeline.engine.classesOf('clicks'))
  })

  it('S3: a chain is bounded by the live state, in bytes and payloads, however long the run', () => {
    const policy = { slackBytes: 10_000, maxPayloads: 100, stepBytes: 1_000 }
    const pipeline = new Pipeline(options(NAMES, policy))
    const store = new SnapshotStore()
    let mostBytes = 0
    let mostPayloads = 0
    for (let epoch = 1; epoch <= 1_500; epoch++) {
      const timeMs = TEN_MS + epoch * 1_000
      impressions(pipeline, epoch * 100, 20, timeMs)
      offer(pipeline, 1, [clickLine(`k${epoch}`, `i${epoch * 100}`, timeMs)])
      pipeline.engine.advance()
      pipeline.engine.changes()
      store.add(pipeline.snapshot(epoch))
      mostBytes = Math.max(mostBytes, byteLength(store.chain()))
      mostPayloads = Math.max(mostPayloads, store.chain().length)
    }
    const fresh = Pipeline.restore(options(NAMES, policy), store.chain())
    const live = fresh.engine.state()
    assert.deepEqual({ ...live, idBytes: 0 }, { ...pipeline.engine.state(), idBytes: 0 })
    const least = live.liveImpressions * 22 + live.liveClicks * 35
    assert.ok(mostBytes < 8 * least + 100_000, `${mostBytes} bytes for ${least}`)
    assert.ok(mostPayloads <= 2 * policy.maxPayloads, `${mostPayloads} payloads`)
    assert.ok(byteLength(store.added.flatMap(({ parts }) => parts)) > 3 * mostBytes, 'old ones went')
  })

  it('S4: what was saved stays as it is while the engine goes on', () => {
    const pipeline = new Pipeline(options())
    impressions(pipeline, 0, 100, TEN_MS)
    pipeline.engine.changes()
    const saved = pipeline.snapshot(1)
    const copy = structuredClone(saved)
    impressions(pipeline, 50, 500, TEN_MS + 60_000)
    pipeline.engine.changes()
    pipeline.snapshot(2)
    assert.deepEqual(saved, copy)
  })

  it('S1: sums beyond 10^15 millionths are restored (L2 of cell-block.ts)', () => {
    const pipeline = new Pipeline(options())
    const store = new SnapshotStore()
    for (let epoch = 1; epoch <= 3; epoch++) {
      costly(pipeline, epoch)
      pipeline.engine.changes()
      store.add(pipeline.snapshot(epoch))
    }
    const restored = Pipeline.restore(options(), store.chain())
    const tables = [pipeline, restored].map((one) => {
      costly(one, 4)
      const changes = new TableStore(plan)
      changes.apply(one.engine.changes())
      return changes.tables()
    })
    assert.deepEqual(tables[1], tables[0])
    assert.match(JSON.stringify([...(tables[0] ?? [])]), /4000000000/)
  })

  it('S5: writes the bytes that it always wrote in this format version', () => {
    const pipeline = new Pipeline(
      options(NAMES, { slackBytes: 30_000, maxPayloads: 4, stepBytes: 5_000, aheadRows: 1_500 }),
    )
    const hash = createHash('sha256')
    for (let epoch = 1; epoch <= 12; epoch++) {
      costly(pipeline, epoch)
      pipeline.engine.saveAhead()
      impressions(pipeline, epoch * 10_000, 700, TEN_MS + epoch * 7_000)
      for (let i = 0; i < 40; i++)
        offer(pipeline, 1, [clickLine(`k${epoch}-${i}`, `i${epoch * 10_000 - 9_990 + i}`, TEN_MS + epoch * 7_000 + i)])
      pipeline.engine.advance()
      if (epoch % 3 !== 0) pipeline.engine.changes()
      for (const part of pipeline.snapshot(epoch).parts) hash.update(part)
    }
    assert.equal(hash.digest('hex'), '1733c21e44d0512bf1bf7911cb6de1363e1a61479c182da31948cd62e6357f30')
  })

  it('S1: numbers and texts that were freed and given again are restored as they are now', () => {
    const campaigns = 20_000
    const plan = adPlan({ attributionWindow: '10s', allowedLateness: '1s', outOfOrderness: '1s' })
    const given = { ...options(), plan, rollUps: plan.tables }
    const lines = (epoch: number): string[] => {
      const timeMs = TEN_MS + epoch * 40_000
      return Array.from({ length: campaigns }, (_, i) =>
        impressionLine(`i${epoch}-${i}`, timeMs, { campaign_id: `c${epoch}-${i}` }),
      )
    }
    const store = new SnapshotStore()
    const straight = new Pipeline(given)
    let restarted = new Pipeline(given)
    const tables = [new TableStore(plan), new TableStore(plan)] as const
    for (let epoch = 1; epoch <= 7; epoch++) {
      for (const [i, pipeline] of [straight, restarted].entries()) {
        offer(pipeline, 0, lines(epoch))
        offer(pipeline, 1, [clickLine(`k${epoch}`, `i${epoch}-7`, TEN_MS + epoch * 40_000)])
        pipeline.engine.advance()
        tables[i]?.apply(pipeline.engine.changes())
      }
      store.add(restarted.snapshot(epoch))
      if (epoch % 2 === 1) restarted = Pipeline.restore(given, store.chain())
    }
    assert.ok(
      store.chain().some((payload) => freedTexts(payload) > 0),
      'some were forgotten on the way',
    )
    assert.deepEqual(restarted.engine.state().cells, straight.engine.state().cells)
    assert.deepEqual(tables[1].tables(), tables[0].tables())
  })

  it('F3: refuses another format version', () => {
    const chain = savedEpochs().chain()
    chain.forEach((payload) => payload.fill(2, 4, 5))
    assert.throws(() => Pipeline.restore(options(), chain), hasCode('FORMAT_NEWER'))
  })

  it('F3: refuses a chain with a gap, and one cut off anywhere (B2 of bytes.ts)', () => {
    const chain = savedEpochs().chain()
    const [first, , third] = chain as [Uint8Array, Uint8Array, Uint8Array]
    assert.throws(() => Pipeline.restore(options(), [first, third]), hasCode('STATE_CORRUPT'))
    assert.throws(() => Pipeline.restore(options(), []), hasCode('STATE_CORRUPT'))
    for (let length = 0; length < third.length; length++)
      assert.throws(
        () => Pipeline.restore(options(), [...chain.slice(0, 2), third.subarray(0, length)]),
        (error) => error instanceof TidemarkError,
        `cut off at ${length}`,
      )
  })

  it('I3: partitions are known by name: new ones begin, absent ones are kept until they come back', () => {
    const pipeline = new Pipeline(options())
    impressions(pipeline, 0, 10, TEN_MS + 5_000)
    offer(pipeline, 1, [clickLine('k1', 'i1', TEN_MS + 7_000)])
    pipeline.engine.watermarks.setIdle(1, true)
    const store = new SnapshotStore()
    store.add(pipeline.snapshot(1))
    const without = Pipeline.restore(options(['http/clicks']), store.chain())
    assert.equal(without.engine.watermarks.highestMs[0], TEN_MS + 7_000)
    assert.ok(without.engine.watermarks.isIdle(0))
    store.add(without.snapshot(2))
    const again = Pipeline.restore(options(['http/clicks', 'http/impressions']), store.chain())
    assert.deepEqual([...again.engine.watermarks.highestMs], [TEN_MS + 7_000, TEN_MS + 5_000])
    assert.deepEqual([...again.nextLineOf], [2, 11])
    assert.deepEqual([...again.eventsReadOf], [1, 10])
  })

  it('an epoch must follow the one before', () => {
    const pipeline = new Pipeline(options())
    pipeline.snapshot(5)
    assert.throws(() => pipeline.snapshot(7), RangeError)
    assert.equal(pipeline.snapshot(6).since, 5)
  })
})
