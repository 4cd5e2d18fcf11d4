/**
 * Compiled predictions: the same rows as the general parser's, from lines made to fool them, wherever windows end.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FunctionBody, moduleOf } from '../../../../src/engine/decode/compiled/assembler.ts'
import { createBatch, createDecoder, createDictionaries, type Decoder } from '../../../../src/engine/decode/decoder.ts'
import type { Dictionary } from '../../../../src/engine/decode/dictionary.ts'
import { adPipeline } from '../../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../../src/pipeline/freeze.ts'
import type { StreamName } from '../../../../src/pipeline/plan.ts'
import { ID_KEY, parseLines, rowsOf, type Row } from '../../../support/decoding.ts'

const plan = freezePlan(adPipeline)

function uuid(n: number): string {
  const hex = (n * 0x9e3779b1).toString(16).padStart(16, '0').slice(-12)
  return `3f2504e0-4f89-41d3-9a0c-${hex}`
}

function members(n: number): string[] {
  return [
    `"impression_id":"${uuid(n)}"`,
    `"user_id":"user-${n % 977}${'x'.repeat(n % 31)}"`,
    `"campaign_id":"camp-${n % 211}"`,
    `"slot":${n % 13}.5`,
    `"device_type":"${['mobile', 'desktop', 'tablet', 'tv', ''][n % 5]}"`,
    `"browser":"${['chrome', 'safari', 'firefox', 'fifteen letters'][n % 4]}"`,
    `"event_timestamp":${1_767_225_600_000 + n * 37}`,
    `"cost":${['0.5', '0.05', '7', '123456.654321', '0', '12.25'][n % 6]}`,
  ]
}

const inOrder = (n: number): string => `{${members(n).join()}}`
const spaced = (n: number): string => `{${members(n).join(', ').replaceAll('":', '": ')}}`
const rotated = (n: number): string => {
  const all = members(n)
  const turn = (n * 5) % all.length
  return `{${[...all.slice(turn), ...all.slice(0, turn)].join()}}`
}
const click = (n: number): string =>
  `{"click_id":"${uuid(n)}","impression_id":"${uuid(n + 1)}","event_timestamp":${1_767_225_600_000 + n}}`

const bytesOf = (lines: readonly string[], lineEnd = '\n'): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => line + lineEnd).join(''))
const linesOf = (make: (n: number) => string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => make(n))

interface Rig {
  readonly decoder: Decoder
  readonly dictionaries: readonly Dictionary[]
  decode(block: Uint8Array, capacity?: number): Row[]
}

function rig(stream: StreamName = 'impressions'): Rig {
  const dictionaries = createDictionaries(plan, 9)
  const decoder = createDecoder({ plan, stream, dictionaries, idKey: ID_KEY, compileAfterRecords: 2 })
  const decode = (block: Uint8Array, capacity = 512): Row[] => {
    const batch = createBatch(plan, stream, capacity)
    const rows: Row[] = []
    for (let [start, position] = [0, 1]; ;) {
      batch.count = 0
      ;({ nextStart: start, nextPosition: position } = decoder.decodeLines(block, start, block.length, batch, position))
      if (batch.count === 0) return rows
      rows.push(...rowsOf(batch, block, plan, stream, dictionaries))
    }
  }
  return { decoder, dictionaries, decode }
}

/** A rig whose programs are there and know the texts of these lines. */
function taught(make: (n: number) => string): Rig {
  const made = rig()
  made.decode(bytesOf(linesOf(make, 600)), 8)
  assert.ok(made.decoder.compiledRecords > 500, `${made.decoder.compiledRecords} compiled`)
  return made
}

describe('compiled predictions (V1 of record-writer)', () => {
  for (const [name, make, stream] of [
    ['one layout', inOrder, 'impressions'],
    ['one layout with spaces', spaced, 'impressions'],
    ['clicks', click, 'clicks'],
    ['members in any order', rotated, 'impressions'],
    ['two layouts in turn', (n: number) => (n % 3 === 0 ? spaced(n) : inOrder(n)), 'impressions'],
  ] as const) {
    for (const lineEnd of ['\n', '\r\n'])
      it(`${name}, ${JSON.stringify(lineEnd)}: every line over many windows`, () => {
        const block = bytesOf(linesOf(make, 2_500), lineEnd)
        const expected = parseLines(block, plan, stream)
        for (const capacity of [2_048, 300, 7]) {
          const { decoder, decode } = rig(stream)
          // A layout goes on to the end of a batch before its program takes over.
          decode(bytesOf(linesOf(make, 12), lineEnd), 2)
          assert.deepEqual(decode(block, capacity), expected)
          assert.ok(decoder.compiledRecords > 2_200, `${decoder.compiledRecords} of 2,500 compiled`)
        }
      })
  }

  for (const [name, make] of [
    ['a layout', inOrder],
    ['members', rotated],
  ] as const)
    it(`${name}: stop at any byte that is not as predicted`, () => {
      const { decoder, decode } = taught(make)
      const before = decoder.compiledRecords
      const line = make(3)
      const lines: string[] = []
      for (let at = 0; at < line.length; at++)
        for (const other of '0a"\\ },.eE-:\u0001\u00e9F9/')
          lines.push(`${line.slice(0, at)}${other}${line.slice(at + 1)}`, make(at), make(at + 1))
      const block = bytesOf(lines)
      assert.deepEqual(decode(block), parseLines(block, plan, 'impressions'))
      assert.ok(decoder.compiledRecords - before > lines.length / 2, 'the programs gave up')
    })

  it('C1 of compile.ts: stop where bytes are inserted, left out, or where the line is cut off', () => {
    const { decode } = taught(inOrder)
    const line = inOrder(3)
    const lines: string[] = []
    for (let at = 0; at <= line.length; at++)
      lines.push(
        line.slice(0, at),
        line.slice(at),
        line.slice(0, at) + line.slice(at + 1),
        ...['0', '"', ' ', 'x'].map((byte) => line.slice(0, at) + byte + line.slice(at)),
        inOrder(at),
        inOrder(at + 1),
      )
    const block = bytesOf(lines)
    assert.deepEqual(decode(block), parseLines(block, plan, 'impressions'))
  })

  it('V2 of record-writer: take nothing from beyond the end, whatever an earlier window left there', () => {
    const { decoder, dictionaries } = taught(inOrder)
    const block = bytesOf([inOrder(1), inOrder(2), inOrder(3)])
    const batch = createBatch(plan, 'impressions', 9)
    for (let end = block.length; end > 0; end--) {
      batch.count = 0
      const { nextStart } = decoder.decodeLines(block, 0, end, batch, 1)
      assert.equal(nextStart, block.lastIndexOf(0x0a, end - 1) + 1)
      const rows = rowsOf(batch, block, plan, 'impressions', dictionaries)
      assert.deepEqual(rows, parseLines(block.subarray(0, nextStart), plan, 'impressions'))
    }
  })

  it('M2 of memory.ts: texts have their codes though there are more than are remembered, and after a sweep', () => {
    const { decoder, dictionaries, decode } = taught(inOrder)
    const many = (n: number): string => inOrder(n).replace(/camp-\d+/, `camp-${n}`)
    for (let round = 0; round < 2; round++) {
      const before = decoder.compiledRecords
      const block = bytesOf(linesOf(many, 5_000))
      assert.deepEqual(decode(block), parseLines(block, plan, 'impressions'))
      assert.ok(decoder.compiledRecords - before > 4_900)
      // Codes come back with other texts.
      for (const dictionary of dictionaries) dictionary.sweep((code) => code % 2 === 0)
      const others = bytesOf(linesOf((n) => inOrder(n).replace(/camp-\d+/, `other-${n}`), 500))
      assert.deepEqual(decode(others), parseLines(others, plan, 'impressions'))
    }
  })

  it('P2 of programs.ts: are given up where they refuse most lines', () => {
    const { decoder, decode } = rig()
    const block = bytesOf(linesOf((n) => inOrder(n).replace(/"3f25[^"]*"/, `"id-${n}"`), 500))
    assert.deepEqual(decode(block), parseLines(block, plan, 'impressions'))
    assert.equal(decoder.compiledRecords, 0)
    assert.ok(decoder.predictedRecords > 490)
  })

  it('the assembler refuses an instruction it does not know', () => {
    const body = new FunctionBody()
    assert.throws(() => body.op('i32.nop'), { code: 'INTERNAL' })
    assert.deepEqual([...moduleOf(0, [], body).subarray(0, 8)], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  })
})
