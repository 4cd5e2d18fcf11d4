/**
 * The predicted layout gives the row of the general parser on every input (DESIGN: bytes to columns).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBatch, createDecoder, createDictionaries } from '../../src/engine/decode/decoder.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { StreamName } from '../../src/pipeline/plan.ts'
import { mutatedLines, arbitraryLines, soundLines } from '../support/json-lines.ts'
import { ID_KEY, parseLines, rowsOf, type Row } from '../support/decoding.ts'
import { checkProperty } from '../support/check-property.ts'

const plan = freezePlan({
  ...adPipeline,
  dimensions: { ...adPipeline.dimensions, country: {}, site: { field: 'ad_id', missing: 'none' } },
  measures: { ...adPipeline.measures, value: { sum: 'value' } },
  streams: {
    ...adPipeline.streams,
    impressions: {
      ...adPipeline.streams.impressions,
      fields: { ...adPipeline.streams.impressions.fields, value: 'money' },
    },
  },
})

/** Rows by the decoder as it is used: one decoder for all lines, batches of `capacity` rows. */
function decodeLines(block: Uint8Array, stream: StreamName, capacity: number): Row[] {
  const dictionaries = createDictionaries(plan, 5)
  const decoder = createDecoder({ plan, stream, dictionaries, idKey: ID_KEY })
  const batch = createBatch(plan, stream, capacity)
  const rows: Row[] = []
  let start = 0
  let position = 1
  do {
    batch.count = 0
    const decoded = decoder.decodeLines(block, start, block.length, batch, position)
    start = decoded.nextStart
    position = decoded.nextPosition
    rows.push(...rowsOf(batch, block, plan, stream, dictionaries))
  } while (batch.count > 0)
  return rows
}

function agrees(lines: fc.Arbitrary<Uint8Array>, runs: number): void {
  checkProperty(
    fc.property(
      lines,
      fc.constantFrom<StreamName>('impressions', 'clicks'),
      fc.integer({ min: 1, max: 9 }),
      (block, stream, capacity) => {
        assert.deepEqual(decodeLines(block, stream, capacity), parseLines(block, plan, stream))
      },
    ),
    runs,
    'test/property/decode-layout.property.test.ts',
  )
}

test('sound lines of several producers', () => agrees(soundLines(), 1500))
test('mutations of sound lines', () => agrees(mutatedLines(), 3000))
test('any JSON values, one a line', () => agrees(arbitraryLines(), 700))
test('any bytes', () => agrees(fc.uint8Array({ maxLength: 400 }), 700))

test('control: most sound lines are decoded by a layout, and their values do differ', () => {
  const [block] = fc.sample(soundLines(), { numRuns: 1, seed: 1 })
  assert.ok(block !== undefined)
  const rows = parseLines(block, plan, 'impressions')
  assert.notDeepEqual(
    rows,
    parseLines(
      block.map((byte) => (byte === 0x31 ? 0x32 : byte)),
      plan,
      'impressions',
    ),
  )
})
