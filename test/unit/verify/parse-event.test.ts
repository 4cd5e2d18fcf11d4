/**
 * What one record says, by a table of records.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import type { Definition } from '../../../src/pipeline/definition.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import type { Plan, StreamName } from '../../../src/pipeline/plan.ts'
import { eventParser, Malformed, type ParsedEvent } from '../../../src/verify/parse-event.ts'
import { decodeUtf8 } from '../../../src/verify/readers/decode-utf8.ts'
import { growth } from '../../support/count-steps.ts'

const PLAN = freezePlan(adPipeline)
const TIME = '"event_timestamp": 1767261600000'

function parse(text: string, stream: StreamName = 'impressions', plan: Plan = PLAN): ParsedEvent | Malformed {
  return eventParser(plan, stream, decodeUtf8)(Buffer.from(text))
}

function reasonOf(text: string, stream: StreamName = 'impressions'): string {
  const parsed = parse(text, stream)
  return parsed instanceof Malformed ? `${parsed.reason} ${parsed.field ?? ''}`.trim() : 'an event'
}

describe('parseEvent', () => {
  it('reads an impression', () => {
    const text = `{"impression_id": "i1", "campaign_id": "c1", "device_type": null, "cost": 0.25, ${TIME}, "x": [{}]}`
    assert.deepEqual(parse(text), {
      id: 'i1',
      impressionId: 'i1',
      timeMs: 1_767_261_600_000,
      dimensions: ['c1', 'unknown', 'unknown'],
      sumsMicros: [250_000],
    })
  })

  it('reads a click', () => {
    assert.deepEqual(parse(`{"click_id": 7, "impression_id": "i1", ${TIME}, "cost": "free"}`, 'clicks'), {
      id: '7',
      impressionId: 'i1',
      timeMs: 1_767_261_600_000,
      dimensions: [],
      sumsMicros: [],
    })
  })

  it('R1: says why a record is malformed, and which field is to blame', () => {
    const table: readonly (readonly [record: string, reason: string])[] = [
      ['{', 'not_json'],
      ['[1]', 'not_an_object'],
      [`{"impression_id": "${'x'.repeat(1_048_576)}"}`, 'record_too_long'],
      [`{${TIME}}`, 'missing_field impression_id'],
      [`{"impression_id": "", ${TIME}}`, 'missing_field impression_id'],
      ['{"impression_id": "i1"}', 'missing_field event_timestamp'],
      [`{"impression_id": {}, ${TIME}}`, 'wrong_type impression_id'],
      [`{"impression_id": "i1", "ad_id": true, ${TIME}}`, 'wrong_type ad_id'],
      ['{"impression_id": "i1", "event_timestamp": false}', 'wrong_type event_timestamp'],
      ['{"impression_id": "i1", "event_timestamp": 1.5}', 'bad_time event_timestamp'],
      ['{"impression_id": "i1", "event_timestamp": "now"}', 'bad_time event_timestamp'],
      [`{"impression_id": "i1", "cost": "1", ${TIME}}`, 'wrong_type cost'],
      [`{"impression_id": "i1", "cost": "", ${TIME}}`, 'wrong_type cost'],
      [`{"impression_id": "i1", "cost": -1, ${TIME}}`, 'bad_money cost'],
      [`{"impression_id": "${'x'.repeat(513)}", ${TIME}}`, 'text_too_long impression_id'],
      [`{"impression_id": "i1", "browser": "\\udfff", ${TIME}}`, 'unstorable_text browser'],
      [`{"impression_id": "i1", ${TIME}}`, 'an event'],
    ]
    for (const [record, reason] of table) assert.equal(reasonOf(record), reason, record.slice(0, 100))
    assert.equal(reasonOf(`{"click_id": "k1", ${TIME}}`, 'clicks'), 'missing_field impression_id')
  })

  it('tells invalid UTF-8 from valid', () => {
    const parser = eventParser(PLAN, 'impressions', decodeUtf8)
    const record = Buffer.from(`{"impression_id": "i?", ${TIME}}`)
    assert.ok(!(parser(record) instanceof Malformed))
    const invalid = record.map((byte) => (byte === 0x3f ? 0xff : byte))
    assert.deepEqual(parser(invalid), new Malformed('invalid_utf8'))
  })

  it('M3 of json-members: takes nesting as deep as a record can hold', () => {
    const depth = 500_000
    const nested = `{"impression_id": "i1", ${TIME}, "x": ${'['.repeat(depth)}${']'.repeat(depth)}}`
    assert.equal(reasonOf(nested), 'an event')
    assert.equal(reasonOf('['.repeat(1_048_576)), 'not_json')
    assert.equal(reasonOf('{"a":'.repeat(200_000)), 'not_json')
  })

  for (const [what, expected, record] of [
    ['zeros around a digit', 'an event', (size) => `${TIME}, "cost": 0.${'0'.repeat(size)}1${'0'.repeat(size)}`],
    ['a long time', 'bad_time event_timestamp', (size) => `"event_timestamp": 1${'0'.repeat(size)}1`],
    ['a long exponent', 'bad_money cost', (size) => `${TIME}, "cost": 1e${'9'.repeat(size)}`],
    ['escaped quotes', 'an event', (size) => `${TIME}, "x": "${'\\"'.repeat(size)}"`],
    ['escaped backslashes', 'an event', (size) => `${TIME}, "x": "${'\\\\'.repeat(size)}"`],
  ] satisfies [string, string, (size: number) => string][]) {
    it(`N1 of decimal: work is in proportion to the record: ${what}`, () => {
      const read = (size: number): void => assert.equal(reasonOf(`{"impression_id": "i1", ${record(size)}}`), expected)
      read(500_000)
      assert.ok(growth(read, 20_000) < 2.1)
    })
  }

  it('R2: follows the plan: its fields, dimensions, what stands for a missing one, and sums', () => {
    const definition: Definition = {
      ...adPipeline,
      streams: {
        ...adPipeline.streams,
        impressions: {
          topic: 'views',
          idField: 'Id',
          eventTimeField: 'at "time"',
          fields: { Id: 'id', 'at "time"': 'time', fee: 'money', cost: 'money' },
        },
      },
      dimensions: { land: { field: 'country', missing: '-' } },
      measures: {
        ...adPipeline.measures,
        fees: { sum: 'fee' },
        spend: { sum: 'cost' },
      },
      tables: { by_land: { dimensions: ['land'], measures: ['impressions', 'fees'] } },
    }
    const plan = freezePlan(definition)
    const event = (members: string): ParsedEvent | Malformed =>
      parse(`{"Id": 1, "at \\"time\\"": "2026-01-01T10:00Z", ${members}}`, 'impressions', plan)
    const expected = { id: '1', impressionId: '1', timeMs: 1_767_261_600_000 }
    assert.deepEqual(event('"country": "AT", "fee": 2, "cost": 1, "campaign_id": []'), {
      ...expected,
      dimensions: ['AT'],
      sumsMicros: [1_000_000, 2_000_000],
    })
    assert.deepEqual(event('"x": 1'), { ...expected, dimensions: ['-'], sumsMicros: [0, 0] })
    assert.deepEqual(event('"country": []'), new Malformed('wrong_type', 'country'))
  })
})
