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
  const decoder = createDecoder({ plan, stream: 'impressions', dictionaries, idKey: ID_KEY })
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

describe('after members are learned', () => {
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

  it('with a layout that comes after long failure', () => {
    const nested = Array.from({ length: 300 }, (_, i) => line('0.5').replace('{', `{"x${i}":[${i}],`))
    const { rows, predicted, expected } = decode([...nested, ...Array.from({ length: 1200 }, () => line('0.5'))])
    assert.deepEqual(rows, expected)
    assert.ok(predicted > 100, `${predicted} of 1200 predicted`)
  })
})
