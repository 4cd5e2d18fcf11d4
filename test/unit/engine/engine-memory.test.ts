/**
 * What an engine says of its memory: Y1 of `engine-memory.ts`, over the steps at which tables grow.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Engine } from '../../../src/engine/engine.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, EngineRig, TEN_MS, type ImpressionRow } from '../../support/engine-rig.ts'

const MB = 1_000_000
const ROWS = 4_000

/** Impressions of `count` campaigns, with ids from `first` on. */
function rowsFrom(first: number, count: number): ImpressionRow[] {
  return Array.from({ length: ROWS }, (_, i) => ({
    id: first + i,
    timeMs: TEN_MS + ((first + i) % (5 * MINUTE_MS)),
    dimensions: [`c${(first + i) % count}`, 'mobile', 'chrome'],
  }))
}

/** Feeds `batches` batches; returns the most that one added to what is held, after asserting that it was announced. */
function largestStep(engine: Engine, batches: number, feed: (batch: number) => void): number {
  let largest = 0
  for (let batch = 0; batch < batches; batch++) {
    const before = engine.memory()
    feed(batch)
    const grown = engine.memory().heldBytes - before.heldBytes
    assert.ok(grown <= before.growthBytes, `${grown} bytes where ${before.growthBytes} were announced`)
    largest = Math.max(largest, grown)
  }
  return largest
}

describe('the memory of an engine', () => {
  it('Y1: what a step adds was announced, when tables of ids grow', () => {
    const rig = new EngineRig(adPlan())
    const largest = largestStep(rig.engine, 130, (batch) => rig.impressions(rowsFrom(batch * ROWS, 10)))
    assert.ok(largest > 3 * MB, `control: a table grew (${largest} bytes)`)
  })

  it('Y1: the same where each event has a campaign of its own', () => {
    const rig = new EngineRig(adPlan())
    const largest = largestStep(rig.engine, 40, (batch) => {
      rig.impressions(rowsFrom(batch * ROWS, 1e9))
      rig.engine.changes()
    })
    assert.ok(largest > 3 * MB, `control: tables grew (${largest} bytes)`)
  })

  it('counts what its rows take, and no more once they are forgotten', () => {
    const rig = new EngineRig(adPlan())
    const empty = rig.engine.memory().heldBytes
    for (let batch = 0; batch < 50; batch++) rig.impressions(rowsFrom(batch * ROWS, 10))
    rig.engine.changes()
    const full = rig.engine.memory().heldBytes - empty
    assert.ok(full > 50 * ROWS * 25 && full < 50 * ROWS * 60, `${full} bytes`)
    rig.passTo(TEN_MS + 120 * MINUTE_MS)
    rig.engine.changes()
    rig.passTo(TEN_MS + 240 * MINUTE_MS)
    const left = rig.engine.memory().heldBytes - empty
    assert.ok(left < full / 5, `${left} of ${full} bytes`)
  })

  it('announces the snapshot of what no snapshot has yet', () => {
    const rig = new EngineRig(adPlan())
    rig.engine.snapshot(1)
    for (let batch = 0; batch < 25; batch++) rig.impressions(rowsFrom(batch * ROWS, 10))
    const { growthBytes } = rig.engine.memory()
    const { parts } = rig.engine.snapshot(2)
    const written = parts.reduce((bytes, part) => bytes + part.length, 0)
    assert.ok(written > 25 * ROWS * 20 && written <= growthBytes, `${written} of ${growthBytes} bytes`)
    assert.ok(growthBytes - rig.engine.memory().growthBytes >= 25 * ROWS * 20, 'it is not waited for any more')
  })
})
