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

interface Decoded {
  readonly rows: Row[]
  readonly predicted: number
}

/** Rows by the decoder as it is used: one decoder for all lines, batches of `capacity` rows. */
function decodeLines(block: Uint8Array, stream: StreamName, capacity: number): Decoded {
  const dictionaries = createDictionaries(plan, 5)
  const decoder = createDecoder({ plan, stream, dictionaries, idKey: ID_KEY, compileAfterRecords: 1 })
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
  return { rows, predicted: decoder.predictedRecords }
}

/** Rows by the decoder fed one record at a time, as from a topic. */
function decodeRecords(block: Uint8Array, stream: StreamName): Row[] {
  const dictionaries = createDictionaries(plan, 6)
  const decoder = createDecoder({ plan, stream, dictionaries, idKey: ID_KEY, compileAfterRecords: 1 })
  const rows: Row[] = []
  let start = 0
  for (let position = 1; ; position++) {
    const lineEnd = block.indexOf(0x0a, start)
    if (lineEnd < 0) return rows
    const batch = createBatch(plan, stream, 1)
    decoder.decodeRecord(block, start, lineEnd, position, batch)
    rows.push(...rowsOf(batch, block, plan, stream, dictionaries))
    start = lineEnd + 1
  }
}

function agrees(lines: fc.Arbitrary<Uint8Array>, runs: number): void {
  checkProperty(
    fc.property(
      lines,
      fc.constantFrom<StreamName>('impressions', 'clicks'),
      fc.integer({ min: 1, max: 9 }),
      (block, stream, capacity) => {
        const expected = parseLines(block, plan, stream)
        assert.deepEqual(decodeLines(block, stream, capacity).rows, expected)
        assert.deepEqual(decodeRecords(block, stream), expected)
      },
    ),
    runs,
    'test/property/decode-layout.property.test.ts',
  )
}

test('R3 of json-record, Y1 of layout-predictor, P1 of programs: sound lines of several producers', () =>
  agrees(soundLines(), 1500))
test('mutations of sound lines', () => agrees(mutatedLines(), 3000))
test('any JSON values, one a line', () => agrees(arbitraryLines(), 700))
test('any bytes', () => agrees(fc.uint8Array({ maxLength: 400 }), 700))

test('control: the inputs do reach the predictions, and sound and malformed rows', () => {
  const blocks = fc.sample(fc.oneof(soundLines(), mutatedLines()), { numRuns: 300, seed: 7 })
  const decoded = blocks.map((block) => decodeLines(block, 'impressions', 5))
  const rows = decoded.flatMap((part) => part.rows)
  const predicted = decoded.reduce((sum, part) => sum + part.predicted, 0)
  const sound = rows.filter((row) => row.malformed === 'none').length
  assert.ok(predicted > 100 && predicted < sound, `${predicted} of ${sound} sound rows were predicted`)
  assert.ok(sound > 200 && rows.length - sound > 200, `${sound} of ${rows.length} rows are sound`)
})

test('control: a decoder that ignored one byte of a literal would be found out', () => {
  const line = (key: string): string =>
    `{"impression_id":"A","event_timestamp":1767225600000,"cost":0.5,"${key}":"x"}\n`
  const block = new TextEncoder().encode(line('campaign_id').repeat(3) + line('campaign_ie'))
  const { rows, predicted } = decodeLines(block, 'impressions', 9)
  assert.equal(predicted, 2)
  assert.deepEqual(
    rows.map((row) => row.dimensions?.[0]),
    ['x', 'x', 'x', 'unknown'],
  )
})
