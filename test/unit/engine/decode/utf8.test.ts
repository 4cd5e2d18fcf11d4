import assert from 'node:assert/strict'
import { it } from 'node:test'
import { decodeUtf8, encodeUtf8, sequenceLength } from '../../../../src/engine/decode/utf8.ts'

it('U1: every code point is encoded and decoded as the platform does it', () => {
  const encoder = new TextEncoder()
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += codePoint < 0x3000 ? 1 : 97) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue
    const text = String.fromCodePoint(codePoint)
    const bytes = encodeUtf8(text)
    assert.deepEqual(bytes, encoder.encode(text))
    assert.equal(decodeUtf8(bytes, 0, bytes.length), text)
    if (codePoint >= 0x80) assert.equal(sequenceLength(bytes, 0, bytes.length), bytes.length)
  }
})

it('U1: overlong forms, surrogates, code points past U+10FFFF and cut sequences are no UTF-8', () => {
  for (const bytes of [
    [0x80],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xc2],
    [0xc2, 0x7f],
    [0xe0, 0x9f, 0xbf],
    [0xed, 0xa0, 0x80],
    [0xef, 0xbf],
    [0xf0, 0x8f, 0xbf, 0xbf],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff, 0xbf, 0xbf, 0xbf],
  ]) {
    assert.equal(
      sequenceLength(Uint8Array.from(bytes), 0, bytes.length),
      0,
      bytes.map((byte) => byte.toString(16)).join(),
    )
  }
})

it('U2: a surrogate left alone is kept as three bytes that no valid UTF-8 holds', () => {
  const bytes = encodeUtf8('a\ud800')
  assert.deepEqual([...bytes], [0x61, 0xed, 0xa0, 0x80])
  assert.equal(sequenceLength(bytes, 1, 4), 0)
})
