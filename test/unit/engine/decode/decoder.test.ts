import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createBatch,
  createDecoder,
  createDictionaries,
  MAX_RECORD_BYTES,
} from '../../../../src/engine/decode/decoder.ts'
import { LineFramer } from '../../../../src/engine/decode/line-framer.ts'
import { adPipeline } from '../../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../../src/pipeline/freeze.ts'
import type { StreamName } from '../../../../src/pipeline/plan.ts'
import { ID_KEY, rowsOf, type Row } from '../../../support/decoding.ts'

const plan = freezePlan(adPipeline)
const encoder = new TextEncoder()
const T = 1_767_225_600_000

function decode(text: string | Uint8Array, stream: StreamName = 'impressions'): Row[] {
  const block = typeof text === 'string' ? encoder.encode(text) : text
  const dictionaries = createDictionaries(plan, 9)
  const batch = createBatch(plan, stream, 100)
  createDecoder({ plan, stream, dictionaries, idKey: ID_KEY }).decodeLines(block, 0, block.length, batch, 1)
  return rowsOf(batch, block, plan, stream, dictionaries)
}

/** The only row of one impression whose members are those given beside an id and a time. */
function impression(members: string): Row {
  const [row] = decode(`{"impression_id":"i","event_timestamp":${T}${members}}\n`)
  assert.ok(row !== undefined)
  return row
}

function malformed(row: Row): string {
  return row.field === undefined ? row.malformed : `${row.malformed} ${row.field}`
}

describe('ids', () => {
  const idOf = (source: string): string => {
    const [row] = decode(`{"impression_id":${source},"event_timestamp":${T}}\n`)
    return row?.id ?? malformed(row ?? impression(''))
  }

  it('H3 of id-hash: compare by their text after unescaping', () => {
    assert.equal(idOf('"A1"'), idOf('"\\u00411"'))
    assert.equal(idOf('123'), idOf('"123"'))
    assert.equal(idOf('1e3'), idOf('"1e3"'))
    assert.notEqual(idOf('9007199254740993'), idOf('9007199254740992'))
    assert.notEqual(idOf('1e3'), idOf('1000'))
    assert.equal(idOf('"3f2504e0-4f89-41d3-9a0c-0305e82c33ab"'), idOf('"\\u0033f2504e0-4f89-41d3-9a0c-0305e82c33ab"'))
    assert.notEqual(idOf('"3f2504e0-4f89-41d3-9a0c-0305e82c33ab"'), idOf('"3F2504E0-4F89-41D3-9A0C-0305E82C33AB"'))
  })

  for (const [source, reason] of [
    ['null', 'missing_field impression_id'],
    ['""', 'missing_field impression_id'],
    ['true', 'wrong_type impression_id'],
    ['{}', 'wrong_type impression_id'],
    ['"\\ud800"', 'unstorable_text impression_id'],
    ['"\\udc00\\ud800"', 'unstorable_text impression_id'],
    ['"a\\u0000"', 'unstorable_text impression_id'],
    [`"${'x'.repeat(513)}"`, 'text_too_long impression_id'],
    [`"${'\\u00e9'.repeat(257)}"`, 'text_too_long impression_id'],
    ['1'.repeat(513), 'text_too_long impression_id'],
  ] as const) {
    it(`${source.slice(0, 20)} is ${reason}`, () => assert.equal(idOf(source), reason))
  }

  it('may have 512 bytes after unescaping', () => {
    for (const source of [`"${'x'.repeat(512)}"`, `"${'\\u00e9'.repeat(256)}"`, `"${'\\u0041'.repeat(512)}"`])
      assert.match(idOf(source), /^-?\d+,/)
  })
})

describe('event_timestamp', () => {
  const timeOf = (source: string): number | string => {
    const [row] = decode(`{"impression_id":"i","event_timestamp":${source}}\n`)
    return row?.timeMs ?? row?.malformed ?? 'no row'
  }
  for (const [source, expected] of [
    ['1700000000000', 1_700_000_000_000],
    ['1.7e12', 1_700_000_000_000],
    ['1700000000000.0', 1_700_000_000_000],
    ['17e11', 1_700_000_000_000],
    ['1700000000000000E-3', 1_700_000_000_000],
    ['0.0017e15', 1_700_000_000_000],
    ['"1700000000000"', 1_700_000_000_000],
    ['"0001700000000000"', 1_700_000_000_000],
    ['"170000000000\\u0030"', 1_700_000_000_000],
    ['946684800000', 946_684_800_000],
    ['4133980799999', 4_133_980_799_999],
    ['"2026-01-01T00:00Z"', T],
    ['"2026-01-01t00:00:00z"', T],
    ['"2026-01-01 01:00:00.000+01:00"', T],
    ['"2025-12-31T23:30:00.5000-0030"', T + 500],
    ['"2026-01-01T05:00:00.12+05"', T + 120],
    ['"2024-02-29T00:00:00Z"', Date.UTC(2024, 1, 29)],
    ['"2000-02-29T23:59:59.999Z"', Date.UTC(2000, 1, 29, 23, 59, 59, 999)],
    ['"2100-12-31T23:59:59.999Z"', Date.UTC(2100, 11, 31, 23, 59, 59, 999)],
    ['null', 'missing_field'],
    ['""', 'missing_field'],
    ['true', 'wrong_type'],
    ...[
      '1700000000000.5',
      '1700000000000.0000000001',
      '-1',
      '-0',
      '0',
      '1e400',
      '1e999999999',
      '1e-999999999',
      '9007199254740993',
      '946684799999',
      '4133980800000',
      '"yesterday"',
      '"-1"',
      '" 1700000000000"',
      '"1.7e12"',
      '"2026-01-01"',
      '"2026-01-01T00:00:00"',
      '"2026-13-01T00:00:00Z"',
      '"2026-02-29T00:00:00Z"',
      '"2100-02-29T00:00:00Z"',
      '"2026-01-00T00:00:00Z"',
      '"2026-04-31T00:00:00Z"',
      '"2026-01-01T24:00:00Z"',
      '"2026-01-01T00:60:00Z"',
      '"2026-01-01T00:00:60Z"',
      '"2026-01-01T00:00:00.Z"',
      '"2026-01-01T00:00.5Z"',
      '"2026-01-01T00:00:00.0001Z"',
      '"2026-01-01T00:00:00+24:00"',
      '"2026-01-01T00:00:00+00:60"',
      '"2026-01-01T00:00:00+0:00"',
      '"2026-01-01T00:00:00+00:0"',
      '"2026-01-01T00:00:00ZZ"',
      '"10x5-01-01T00:00:00Z"',
      '"1999-12-31T23:59:59.999Z"',
      '"2026-01-01\\u005400:00:00"',
    ].map((source) => [source, 'bad_time'] as const),
  ] as const) {
    it(`${source} is ${expected}`, () => assert.equal(timeOf(source), expected))
  }
})

describe('cost', () => {
  for (const [source, expected] of [
    ['0.1', 100_000],
    ['0.0000005', 1],
    ['0.00000049999', 0],
    ['0.1234565', 123_457],
    ['-0.0000001', 0],
    ['-0', 0],
    ['1000000', 1e12],
    ['1000000.0000004', 1e12],
    ['1e6', 1e12],
    ['1e-400', 0],
    ['0e999999999', 0],
    ['12345e-3', 12_345_000],
    ['null', 0],
    ['-0.0000005', 'bad_money cost'],
    ['1000000.0000005', 'bad_money cost'],
    ['-1', 'bad_money cost'],
    ['1e400', 'bad_money cost'],
    ['1e999999999', 'bad_money cost'],
    ['"free"', 'wrong_type cost'],
    ['"0.1"', 'wrong_type cost'],
    ['true', 'wrong_type cost'],
    ['[]', 'wrong_type cost'],
  ] as const) {
    it(`${source} is ${expected}`, () => {
      const row = impression(`,"cost":${source}`)
      assert.equal(row.sumsMicros?.[0] ?? malformed(row), expected)
    })
  }
})

describe('dimensions and other fields', () => {
  it('are unknown where missing, null or empty', () => {
    const row = impression(',"device_type":null,"browser":""')
    assert.deepEqual(row.dimensions, ['unknown', 'unknown', 'unknown'])
  })
  it('keep hostile text', () => {
    const row = impression(',"campaign_id":"<img onerror=\\"x\\">","device_type":"\\u4f60好","browser":1.50')
    assert.deepEqual(row.dimensions, ['<img onerror="x">', '你好', '1.50'])
  })
  it('are checked also where no column needs them', () => {
    assert.equal(malformed(impression(',"user_id":false')), 'wrong_type user_id')
    assert.equal(malformed(impression(',"ad_id":"\\u0000"')), 'unstorable_text ad_id')
  })
  it('may be anything where they are not known', () => {
    assert.equal(impression(',"x":["\\ud800",{"cost":"\\u0000"}],"y":true').malformed, 'none')
  })
  it('G3 of json-scan: count as they are given last, whatever came before', () => {
    assert.equal(impression(',"cost":"free","c\\u006fst":0.5').sumsMicros?.[0], 500_000)
    assert.equal(malformed(impression(',"cost":0.5,"c\\u006fst":"free"')), 'wrong_type cost')
  })
})

describe('records', () => {
  it('K1: of every kind that is no event', () => {
    const lines = ['[]', '{}', '1', 'nul', '{"a":1', '{"a":1}}', '\ufeff{}', '"\u0001"']
    assert.deepEqual(decode(lines.map((line) => `${line}\n`).join('')).map(malformed), [
      'not_an_object',
      'missing_field impression_id',
      'not_an_object',
      'not_json',
      'not_json',
      'not_json',
      'not_json',
      'not_json',
    ])
    assert.equal(decode(Uint8Array.of(0x22, 0xff, 0x22, 0x0a))[0]?.malformed, 'invalid_utf8')
  })

  it('R1 of json-record: are JSON and UTF-8 before any field counts; then the first field of the plan is to blame', () => {
    const wrong = `"cost":"x","event_timestamp":"y","impression_id":true`
    assert.deepEqual(decode(`{${wrong}}\n{${wrong}\n{${wrong},"n":01}\n`).map(malformed), [
      'wrong_type impression_id',
      'not_json',
      'not_json',
    ])
    const broken = encoder.encode(`{${wrong},"n":"?"}\n`).map((byte) => (byte === 0x3f ? 0xff : byte))
    assert.deepEqual(decode(broken).map(malformed), ['invalid_utf8'])
    assert.equal(malformed(impression(',"cost":"x","dimension":1')), 'wrong_type cost')
  })

  it('G2 of json-scan: may nest as deep as they are long', () => {
    const deep = '['.repeat(100_000)
    assert.equal(impression(`,"x":${deep}${']'.repeat(100_000)}`).malformed, 'none')
    assert.equal(impression(`,"x":${deep}${']'.repeat(99_999)}`).malformed, 'not_json')
  })

  it('may have a mebibyte without the white space around them', () => {
    const line = (length: number): string => {
      const head = `{"impression_id":"i","event_timestamp":${T},"x":"`
      return `  ${head}${'x'.repeat(length - head.length - 2)}"} \t\r\n`
    }
    assert.equal(decode(line(MAX_RECORD_BYTES))[0]?.malformed, 'none')
    assert.equal(decode(line(MAX_RECORD_BYTES + 1))[0]?.malformed, 'record_too_long')
  })

  it('K2, K3: are numbered by line, blank ones too, and stop at a full batch or an unfinished line', () => {
    const event = (id: number): string => `{"click_id":"k${id}","impression_id":"i","event_timestamp":${T}}`
    const block = encoder.encode(`\n${event(1)}\r\n \t\r\n${event(2)}\n${event(3)}\n\n${event(4)}`)
    const dictionaries = createDictionaries(plan, 9)
    const decoder = createDecoder({ plan, stream: 'clicks', dictionaries, idKey: ID_KEY })
    const batch = createBatch(plan, 'clicks', 2)
    const first = decoder.decodeLines(block, 0, block.length, batch, 1)
    assert.deepEqual([...batch.position], [2, 4])
    assert.equal(first.nextPosition, 5)
    batch.count = 0
    const second = decoder.decodeLines(block, first.nextStart, block.length, batch, first.nextPosition)
    assert.equal(batch.count, 1)
    assert.equal(second.nextPosition, 7)
    assert.equal(second.nextStart, block.length - event(4).length)
    assert.equal(decoder.decodeRecord(block, second.nextStart, block.length, 7, batch), true)
    assert.equal(decoder.decodeRecord(block, 0, 1, 8, batch), false)
    assert.deepEqual([...batch.position], [5, 7])
    assert.deepEqual([...batch.malformed], [0, 0])
  })

  it('G4 of json-scan: decode from a part of a larger buffer, to its very end', () => {
    const line = encoder.encode(`{"impression_id":"i","event_timestamp":${T},"cost":0.25}`)
    const buffer = new Uint8Array(line.length * 2 + 7)
    buffer.set(line, 3)
    buffer.set(line, 3 + line.length)
    const dictionaries = createDictionaries(plan, 9)
    const decoder = createDecoder({ plan, stream: 'impressions', dictionaries, idKey: ID_KEY })
    const batch = createBatch(plan, 'impressions', 9)
    const whole = buffer.subarray(3, 3 + line.length * 2)
    decoder.decodeRecord(whole, 0, line.length, 1, batch)
    decoder.decodeRecord(whole, line.length, whole.length, 2, batch)
    decoder.decodeRecord(whole.subarray(line.length), 0, line.length, 3, batch)
    assert.deepEqual([...(batch.sumsMicros[0]?.subarray(0, 3) ?? [])], [250_000, 250_000, 250_000])
    assert.equal(decoder.predictedRecords, 2)
  })
})

describe('a framed stream', () => {
  it('F2 and F4 of line-framer: makes one malformed row of a line of 3 MB, and goes on with the next, in fixed memory', () => {
    const framer = new LineFramer(MAX_RECORD_BYTES, 65_536)
    const dictionaries = createDictionaries(plan, 9)
    const decoder = createDecoder({ plan, stream: 'impressions', dictionaries, idKey: ID_KEY })
    const event = `{"impression_id":"i","event_timestamp":${T}}`
    const stream = encoder.encode(`\ufeff${event}\n${'x'.repeat(3e6)}\n${event}${' '.repeat(3e6)}\n${event}`)
    const seen: string[] = []
    for (let at = 0; !framer.isDone;) {
      if (at < stream.length) at = framer.write(stream, at)
      else framer.end()
      while (framer.hasLines) {
        const batch = createBatch(plan, 'impressions', 2)
        const { linesStart, linesEnd, position } = framer
        const { nextStart, nextPosition } = decoder.decodeLines(framer.block, linesStart, linesEnd, batch, position)
        const rows = rowsOf(batch, framer.block, plan, 'impressions', dictionaries)
        seen.push(...rows.map((row) => `${row.position} ${row.malformed}`))
        framer.consume(nextStart, nextPosition)
      }
    }
    assert.deepEqual(seen, ['1 none', '2 record_too_long', '3 none', '4 none'])
    assert.ok(framer.block.length < 1.1 * MAX_RECORD_BYTES + 65_536)
  })
})
