/**
 * The decoder and the recount's own reader of events agree on every record: which are malformed, and what the others
 * say.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBatch, createDecoder, createDictionaries } from '../../src/engine/decode/decoder.ts'
import { IdHash } from '../../src/engine/decode/id-hash.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { StreamName } from '../../src/pipeline/plan.ts'
import { eventParser, Malformed } from '../../src/verify/parse-event.ts'
import { trimRecord } from '../../src/verify/record.ts'
import { checkProperty } from '../support/check-property.ts'
import { ID_KEY, latin1, rowsOf } from '../support/decoding.ts'
import { arbitraryLines, mutatedLines, soundLines } from '../support/json-lines.ts'

const FILE = 'test/property/decoder-equals-recount.property.test.ts'
const plan = freezePlan({ ...adPipeline, dimensions: { ...adPipeline.dimensions, country: { missing: 'none' } } })
const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return fatal.decode(bytes)
  } catch {
    return undefined
  }
}

const hash = new IdHash(ID_KEY)
function lanesOf(id: string): string {
  const bytes = new TextEncoder().encode(id)
  const lanes = new Int32Array(4)
  hash.write(bytes, 0, bytes.length, lanes, 0)
  return lanes.join()
}

/** What the decoder says of each record; `undefined` where it is malformed. */
function byDecoder(block: Uint8Array, stream: StreamName): unknown[] {
  const dictionaries = createDictionaries(plan, 5)
  const decoder = createDecoder({ plan, stream, dictionaries, idKey: ID_KEY })
  const batch = createBatch(plan, stream, 1000)
  decoder.decodeLines(block, 0, block.length, batch, 1)
  return rowsOf(batch, block, plan, stream, dictionaries).map((row) => ({
    record: row.record,
    event:
      row.malformed === 'none'
        ? {
            timeMs: row.timeMs,
            id: row.id,
            impressionId: stream === 'clicks' ? row.impressionId : row.id,
            dimensions: row.dimensions,
            sumsMicros: row.sumsMicros,
          }
        : undefined,
  }))
}

function byRecount(block: Uint8Array, stream: StreamName): unknown[] {
  const parse = eventParser(plan, stream, decodeUtf8)
  const said: unknown[] = []
  let start = 0
  for (let lf = block.indexOf(0x0a); lf >= 0; lf = block.indexOf(0x0a, start)) {
    const record = trimRecord(block.subarray(start, lf))
    start = lf + 1
    if (record.length === 0) continue
    const parsed = parse(record)
    if (parsed instanceof Malformed) said.push({ record: latin1(record), event: undefined })
    else {
      const { timeMs, id, impressionId, dimensions, sumsMicros } = parsed
      said.push({
        record: latin1(record),
        event: { timeMs, id: lanesOf(id), impressionId: lanesOf(impressionId), dimensions, sumsMicros },
      })
    }
  }
  return said
}

function agrees(lines: fc.Arbitrary<Uint8Array>, runs: number): void {
  const property = fc.property(lines, fc.constantFrom<StreamName>('impressions', 'clicks'), (block, stream) => {
    assert.deepEqual(byDecoder(block, stream), byRecount(block, stream))
  })
  checkProperty(property, runs, FILE)
}

test('on lines as producers write them', () => agrees(soundLines(), 1000))
test('on mutations of them', () => agrees(mutatedLines(), 2000))
test('on any JSON', () => agrees(arbitraryLines(), 500))
test('on any bytes', () => agrees(fc.uint8Array({ maxLength: 300 }), 500))

test('control: a decoder for another plan is found out', () => {
  const block = new TextEncoder().encode('{"impression_id":"a","event_timestamp":1767225600000,"country":"se"}\n')
  const changed = new TextEncoder().encode('{"impression_id":"a","event_timestamp":1767225600000,"country":"no"}\n')
  assert.notDeepEqual(byDecoder(block, 'impressions'), byRecount(changed, 'impressions'))
})
