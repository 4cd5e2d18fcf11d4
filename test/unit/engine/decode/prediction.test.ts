/**
 * Records made to fool a prediction: after sound ones that teach it, each must give the general parser's row.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBatch, createDecoder, createDictionaries } from '../../../../src/engine/decode/decoder.ts'
import { adPipeline } from '../../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../../src/pipeline/freeze.ts'
import { ID_KEY, parseLines, rowsOf, type Row } from '../../../support/decoding.ts'

const plan = freezePlan(adPipeline)

function decode(lines: readonly string[]): { rows: Row[]; predicted: number; expected: Row[] } {
  const block = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
  const dictionaries = createDictionaries(plan, 9)
  const decoder = createDecoder({ plan, stream: 'impressions', dictionaries, idKey: ID_KEY, compileAfterRecords: 1 })
  const batch = createBatch(plan, 'impressions', lines.length)
  decoder.decodeLines(block, 0, block.length, batch, 1)
  const rows = rowsOf(batch, block, plan, 'impressions', dictionaries)
  return { rows, predicted: decoder.predictedRecords, expected: parseLines(block, plan, 'impressions') }
}

const T = '1767225600000'
const line = (cost: string, campaign = '"c"', time = T, id = '"i"'): string =>
  `{"impression_id":${id},"campaign_id":${campaign},"event_timestamp":${time},"cost":${cost}}`
const sound = [line('0.05'), line('0.5'), line('0.25')]

describe('after a layout is learned', () => {
  for (const trap of [
    line('1.'),
    line('.5'),
    line('-0.5'),
    line('00.5'),
    line('0.5.5'),
    line('0.5e'),
    line('5e-1'),
    line('0.1234567'),
    line('12345678'),
    line('1000000.000001'),
    line('0.5 '),
    line('0.5') + '}',
    line('0.5') + '\r\r',
    line('0.5').slice(0, -1),
    line('0.5').slice(0, -3),
    line('0.5', '"c\\"'),
    line('0.5', '"\u007f"'),
    line('0.5', '"é"'),
    line('0.5', '"a\tb"'),
    line('0.5', `"${'x'.repeat(512)}"`),
    line('0.5', `"${'x'.repeat(513)}"`),
    line('0.5', '""'),
    line('0.5', '"unknown"'),
    line('0.5', '"twelve-bytes"'),
    line('0.5', '"c"', '0767225600000'),
    line('0.5', '"c"', '17672256000000'),
    line('0.5', '"c"', '176722560000a'),
    line('0.5', '"c"', '9999999999999'),
    line('0.5', '"c"', '1767225600000.0'),
    line('0.5', '"c"', T, '""'),
    line('0.5', '"c"', T, '"3f2504e0-4f89-41d3-9a0c-0305e82c33ab"'),
    line('0.5', '"c"', T, '"3f2504e0-4f89-41d3-9a0c-0305e82c33aB"'),
    line('0.5', '"c"', T, '"3f2504e0-4f89-41d3-9a0c-0305e82c33ab0"'),
  ]) {
    it(`${trap.slice(0, 110)}${trap.length > 110 ? '…' : ''}`, () => {
      const { rows, predicted, expected } = decode([...sound, trap, ...sound])
      assert.deepEqual(rows, expected)
      assert.ok(predicted >= 4, `${predicted} predicted`)
    })
  }

  it('texts that share their first eight bytes, or all but the last, have their own codes', () => {
    const texts = [
      'campaign-1',
      'campaign-2',
      'campaign-10',
      'campaign',
      'campaig',
      'camp',
      'cam',
      'twelve-bytes',
      'twelve-byte',
    ]
    const { rows, expected } = decode([...texts, ...texts].map((text) => line('0.5', `"${text}"`)))
    assert.deepEqual(rows, expected)
    assert.deepEqual(
      rows.map((row) => row.dimensions?.[0]),
      [...texts, ...texts],
    )
  })
})

describe('a run of lines', () => {
  const encoder = new TextEncoder()
  const full = (turn: number, cost: string): string =>
    `{"impression_id":"3f2504e0-4f89-41d3-9a0c-0305e82c${4096 + turn}","user_id":"user-${turn}","campaign_id":"camp-${turn}",` +
    `"ad_id":"ad","device_type":"tv","browser":"a browser of some length","event_timestamp":${1767225600000 + turn},` +
    `"a_long_key_that_takes_more_than_three_words":"x","cost":${cost}}\n`
  const bare = (turn: number): string => `{"impression_id":"i${turn}","event_timestamp":${1767225600000 + turn}}\n`
  const lessons = full(1, '0.25') + full(2, '0.5') + full(3, '1.75')
  const newDecoder = (dictionaries = createDictionaries(plan, 9)): ReturnType<typeof createDecoder> =>
    createDecoder({ plan, stream: 'impressions', dictionaries, idKey: ID_KEY, compileAfterRecords: 1 })

  it('L2 of record-layout: ends at any byte that is not as predicted', () => {
    const line = encoder.encode(full(7, '0.05'))
    const lines: Uint8Array[] = [encoder.encode(lessons)]
    for (let at = 0; at < line.length - 1; at++) {
      for (const byte of [0x22, 0x5c, 0x01, 0x20, 0x2f, 0x35, 0x3a, 0x67, 0xc3]) {
        const changed = line.slice()
        changed[at] = byte
        lines.push(changed, line)
      }
    }
    const block = new Uint8Array(lines.flatMap((part) => [...part]))
    const dictionaries = createDictionaries(plan, 9)
    const decoder = newDecoder(dictionaries)
    const batch = createBatch(plan, 'impressions', lines.length + 2)
    decoder.decodeLines(block, 0, block.length, batch, 1)
    const rows = rowsOf(batch, block, plan, 'impressions', dictionaries)
    assert.deepEqual(rows, parseLines(block, plan, 'impressions'))
    assert.ok(decoder.predictedRecords > lines.length / 2, `${decoder.predictedRecords} predicted`)
  })

  it('S2 of plain-values: reads nothing past its end, wherever that is', () => {
    const block = encoder.encode(lessons + full(4, '0.5') + full(5, '0.5'))
    const lastStart = encoder.encode(lessons + full(4, '0.5')).length
    const ends = Array.from({ length: block.length - lastStart + 1 }, (_, i) => lastStart + i)
    for (const end of ends) {
      for (const bytes of [block, block.slice(0, end)]) {
        const dictionaries = createDictionaries(plan, 9)
        const batch = createBatch(plan, 'impressions', 9)
        const decoder = newDecoder(dictionaries)
        const { nextStart } = decoder.decodeLines(bytes, 0, end, batch, 1)
        assert.equal(nextStart, end === block.length ? end : lastStart)
        const rows = rowsOf(batch, bytes, plan, 'impressions', dictionaries)
        assert.deepEqual(rows, parseLines(bytes.subarray(0, end), plan, 'impressions'))
        assert.equal(decoder.predictedRecords, batch.count - 1)
      }
    }
  })

  it('stops at the limit of the batch, below its capacity, and goes on at the next line and position', () => {
    const block = encoder.encode(lessons + full(4, '0.5').replace('\n', '\r\n') + full(5, '0.5') + full(6, '0.5'))
    const decoder = newDecoder()
    const batch = createBatch(plan, 'impressions', 9)
    const positions: number[] = []
    let [start, position] = [0, 1]
    for (const limit of [2, 3, 1]) {
      batch.count = 0
      batch.limit = limit
      ;({ nextStart: start, nextPosition: position } = decoder.decodeLines(block, start, block.length, batch, position))
      assert.equal(batch.count, limit)
      positions.push(...batch.position.subarray(0, limit))
    }
    assert.deepEqual(positions, [1, 2, 3, 4, 5, 6])
    assert.deepEqual([start, position], [block.length, 7])
    assert.equal(decoder.predictedRecords, 5)
  })

  it('L2 of record-layout: leaves nothing in a row of what stood there before', () => {
    const dictionaries = createDictionaries(plan, 9)
    const decoder = newDecoder(dictionaries)
    const batch = createBatch(plan, 'impressions', 9)
    const bares = bare(1) + bare(2) + bare(3)
    const taught = encoder.encode(`${full(1, '0.5')}{"impression_id":7}\n${full(2, '0.5')}${bares}`)
    decoder.decodeLines(taught, 0, taught.length, batch, 1)
    batch.count = 0
    const block = encoder.encode(bares)
    decoder.decodeLines(block, 0, block.length, batch, 1)
    assert.deepEqual(rowsOf(batch, block, plan, 'impressions', dictionaries), parseLines(block, plan, 'impressions'))
  })

  it('follows producers that take turns, each by its own layout', () => {
    const turns = Array.from({ length: 40 }, (_, turn) => (turn % 3 === 0 ? bare(turn) : full(turn, '0.5')))
    const { rows, predicted, expected } = decode(turns.map((text) => text.slice(0, -1)))
    assert.deepEqual(rows, expected)
    assert.ok(predicted >= 36, `${predicted} of 40 predicted`)
  })
})

describe('after members are learned (M2 of member-table)', () => {
  const member = { id: '"impression_id":"i"', time: `"event_timestamp":${T}`, cost: '"cost":0.5', nil: '"cost":null' }
  const record = (...members: string[]): string => `{${members.join()}}`
  const teach = [
    record(member.id, member.time, member.cost),
    record(member.time, member.id, member.nil),
    record(member.nil, member.time, member.id),
    record(member.time, member.nil, member.id),
    record(member.cost, member.time, member.id),
    record(member.id, member.cost, member.time),
  ]
  for (const trap of [
    record(member.cost, member.id, member.nil, member.time),
    record(member.nil, member.id, member.cost, member.time),
    record(member.id, member.id, member.time),
    record(member.time),
    record(member.id),
    '{}',
    '{,}',
    `{${member.id},${member.time},}`,
    `{${member.id},  ${member.time}}`,
    `{${member.id}, ${member.time}}`,
    `{${member.id} ${member.time}}`,
    `{${member.id},${member.time}]`,
    `{${member.id},${member.time},"cost":nullx}`,
    `{${member.id},${member.time},${member.cost}`,
    `[${member.id}]`,
  ]) {
    it(trap, () => {
      const { rows, predicted, expected } = decode([...teach, ...teach, trap, trap, ...teach])
      assert.deepEqual(rows, expected)
      assert.ok(predicted > 6, `${predicted} predicted`)
    })
  }

  it('a layout is not learned from a record that names a field twice', () => {
    const twice = record(member.id, member.time, member.cost, member.nil)
    const { rows, expected } = decode([twice, twice, twice])
    assert.deepEqual(rows, expected)
    assert.equal(rows[2]?.sumsMicros?.[0], 0)
  })
})

describe('prediction keeps up', () => {
  it('with amounts of any precision, and ids that only begin like UUIDs', () => {
    const amounts = ['0.5', '0.05', '7.25', '0.125', '12.5', '3', '0', '0.000001', '250.75', '5e-1']
    const ids = ['"3f2504e0-4f89-41d3-9a0c-0305e82c33ab-2"', '"3f2504e0-4f89-41d3-9a0c-0305e82c33ab"', '7', '"id"']
    const lines = amounts.flatMap((amount) => ids.map((id) => line(amount, '"c"', T, id)))
    const { rows, predicted, expected } = decode([...sound, ...lines])
    assert.deepEqual(rows, expected)
    assert.equal(predicted, lines.length + sound.length - 2)
  })

  it('with amounts that no measure sums', () => {
    const measures = { clicks: adPipeline.measures.clicks }
    const tables = { clicks: { dimensions: ['campaign_id'], measures: ['clicks'] } }
    const unsummed = freezePlan({ ...adPipeline, measures, tables })
    const block = new TextEncoder().encode(sound.map((text) => `${text}\n`).join(''))
    const dictionaries = createDictionaries(unsummed, 9)
    const decoder = createDecoder({
      plan: unsummed,
      stream: 'impressions',
      dictionaries,
      idKey: ID_KEY,
      compileAfterRecords: 1,
    })
    const batch = createBatch(unsummed, 'impressions', 9)
    assert.equal(batch.sumsMicros.length, 0)
    decoder.decodeLines(block, 0, block.length, batch, 1)
    const rows = rowsOf(batch, block, unsummed, 'impressions', dictionaries)
    assert.deepEqual(rows, parseLines(block, unsummed, 'impressions'))
    assert.equal(decoder.predictedRecords, 2)
  })

  const keys = ['user_id', 'campaign_id', 'ad_id', 'device_type', 'browser'].map((key) => `"${key}":"v"`)
  const rotated = (turn: number): string => {
    const members = [...keys, '"cost":0.5', '"impression_id":"i"', `"event_timestamp":${T}`]
    return `{${[...members.slice(turn % 8), ...members.slice(0, turn % 8)].join()}}`
  }

  it('with keys in any order, after one record has shown them all', () => {
    const { rows, predicted, expected } = decode(Array.from({ length: 400 }, (_, turn) => rotated((turn * 5) % 8)))
    assert.deepEqual(rows, expected)
    assert.ok(predicted > 380, `${predicted} of 400 predicted`)
  })

  it('Y2 of layout-predictor: with a layout that comes after long failure', () => {
    const nested = Array.from({ length: 300 }, (_, i) => line('0.5').replace('{', `{"x${i}":[${i}],`))
    const { rows, predicted, expected } = decode([...nested, ...Array.from({ length: 1200 }, () => line('0.5'))])
    assert.deepEqual(rows, expected)
    assert.ok(predicted > 100, `${predicted} of 1200 predicted`)
  })
})

describe('a record over 1 MiB', () => {
  const long = (digits: number): string => `{"impression_id":"i","n":${'1'.repeat(digits)},"event_timestamp":${T}}`

  it('L4 of record-layout: is malformed, also where a layout or its members would fit', () => {
    for (const teachers of [
      [long(1), long(2), long(3)],
      ['{"n":1,"impression_id":"i"}', long(1)],
    ]) {
      const { rows } = decode([...teachers, long(1_100_000), long(4)])
      assert.deepEqual(
        rows.slice(-2).map(({ malformed }) => malformed),
        ['record_too_long', 'none'],
      )
    }
  })

  it('control: one of just under 1 MiB is an event', () => {
    const { rows } = decode([long(1), long(2), long(1_048_000)])
    assert.equal(rows.at(-1)?.malformed, 'none')
  })
})
