/**
 * What the reader of the newest blocks keeps in memory: D2 of src/service/raw/tail-reader.ts.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { idKeyOf, TailReader } from '../../../src/service/raw/tail-reader.ts'
import { impressionLine, lineBytes } from '../../support/event-lines.ts'
import { adPlan } from '../../support/engine-rig.ts'

const TIME_MS = Date.UTC(2026, 10, 25)
const EVENTS = 20_000

/**
 * Events with a campaign each, and the same few ids again and again: how many texts were kept at most, and the ids by
 * number.
 */
async function readMany(maxTexts: number): Promise<{ most: number; keys: readonly Set<string>[] }> {
  const reader = new TailReader(adPlan(), maxTexts)
  const lines = Array.from({ length: EVENTS }, (_, i) => {
    return impressionLine(`i${i % 5}`, TIME_MS + i, { campaign_id: `campaign ${i}` })
  })
  const blocks = [{ arrivalMs: TIME_MS + EVENTS, floorMs: -Infinity, lines: lineBytes(...lines) }]
  const keys = Array.from({ length: 5 }, () => new Set<string>())
  let most = 0
  let read = 0
  const tail = { stream: 'impressions' as const, name: 'p', unseenUpToMs: -Infinity, blocks }
  await reader.read(
    tail,
    async () => undefined,
    ({ batch, row, timeMs }) => {
      assert.equal(timeMs, TIME_MS + read)
      keys[read++ % 5]?.add(idKeyOf(batch.id, row))
      most = Math.max(most, reader.textCount)
    },
  )
  assert.equal(read, EVENTS)
  return { most, keys }
}

describe('the reader of the newest blocks', () => {
  it('D2: keeps so many texts and those of a batch, and an id stays the same id', async () => {
    const { most, keys } = await readMany(3_000)
    assert.ok(most > 3_000 && most < 6_000, `${most} texts`)
    assert.deepEqual(
      keys.map(({ size }) => size),
      [1, 1, 1, 1, 1],
    )
  })

  it('control: as many texts as there are would be kept otherwise', async () => {
    assert.ok((await readMany(Infinity)).most > EVENTS)
  })
})
