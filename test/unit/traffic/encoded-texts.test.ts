import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EncodedTexts, utf8Length, WORD_SLACK } from '../../../src/traffic/encoded-texts.ts'
import { escapeNeedlessly, HOSTILE_TEXTS, MoneyValues, TextValues } from '../../../src/traffic/values.ts'

const texts = [
  '',
  'a',
  'camp-1',
  'é',
  '你好',
  '🚀 and more',
  '\u007f\u0080\u07ff\u0800\uffff\u{10000}',
  'x'.repeat(512),
]
const encoder = new TextEncoder()

test('texts are UTF-8 as the platform writes it, byte by byte and in words', () => {
  const encoded = new EncodedTexts(texts)
  for (const [index, text] of texts.entries()) {
    const expected = encoder.encode(text)
    assert.equal(utf8Length(text), expected.length)
    assert.equal(encoded.lengthOf(index), expected.length)
    const out = new Uint8Array(expected.length + 8 + WORD_SLACK).fill(0xaa)
    assert.equal(encoded.write(out, 4, index), 4 + expected.length)
    assert.deepEqual(out.subarray(4, 4 + expected.length), expected)
    assert.equal(out[4 + expected.length], 0xaa)
    const words = new Uint8Array(out.length)
    assert.equal(encoded.writeWords(new DataView(words.buffer), 4, index), 4 + expected.length)
    assert.deepEqual(words.subarray(4, 4 + expected.length), expected)
  }
  assert.equal(encoded.longest, 512)
})

test('needless escapes leave the text as it is', () => {
  for (const text of [...HOSTILE_TEXTS, ...texts]) {
    const json = JSON.stringify(text)
    const escaped = escapeNeedlessly(json)
    assert.equal(JSON.parse(escaped), text)
    if (text !== '') assert.match(escaped, /\\u/)
  }
  assert.equal(escapeNeedlessly('null'), 'null')
})

test('what a value counts as is what its JSON says', () => {
  const values = new TextValues(['everyday'], { isHostile: true, mayMiss: true })
  for (const [code, json] of values.jsonTexts().entries()) {
    const text = values.texts[code]
    const parsed: unknown = json === '' ? '' : (JSON.parse(json) ?? '')
    assert.equal(text, typeof parsed === 'number' ? json : parsed)
    assert.ok(encoder.encode(text).length <= 512)
  }
  const money = new MoneyValues()
  for (const [code, json] of money.jsonTexts().entries()) {
    const exact = Number(json === '' || json === 'null' ? 0 : json) * 1_000_000
    assert.ok(Math.abs((money.micros[code] ?? NaN) - exact) <= 0.5 + 1e-6, json)
  }
})
