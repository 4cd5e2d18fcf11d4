import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Dictionary } from '../../../../src/engine/decode/dictionary.ts'

const encoder = new TextEncoder()

function codeOf(dictionary: Dictionary, text: string): number {
  const bytes = encoder.encode(`>${text}<`)
  return dictionary.codeOf(bytes, 1, bytes.length - 1)
}

describe('a dictionary', () => {
  it('gives code 0 to the text for events that lack the dimension (D2)', () => {
    const dictionary = new Dictionary('unknown', 1)
    assert.equal(dictionary.textOf(0), 'unknown')
    assert.equal(codeOf(dictionary, 'unknown'), 0)
    assert.equal(codeOf(dictionary, 'Unknown'), 1)
    assert.equal(dictionary.size, 2)
  })

  it('gives the same codes under any seed, zero too (D6)', () => {
    for (const seed of [0, 1, -1, 0x7fffffff, 2 ** 40]) {
      const dictionary = new Dictionary('', seed)
      const codes = Array.from({ length: 300 }, (_, i) => codeOf(dictionary, `t${i}`))
      assert.deepEqual(
        codes,
        Array.from({ length: 300 }, (_, i) => i + 1),
      )
    }
  })

  it('keeps hostile texts as they are', () => {
    const dictionary = new Dictionary('unknown', 5)
    const texts = [
      '"',
      "'; drop table x; --",
      '=1+1',
      '<img onerror=…>',
      '你好',
      '\u{1f600}',
      'x'.repeat(512),
      '\u007f',
    ]
    const codes = texts.map((text) => codeOf(dictionary, text))
    assert.deepEqual(
      codes.map((code) => dictionary.textOf(code)),
      texts,
    )
  })

  it('frees what nothing uses, and its cache of short texts forgets it (D3)', () => {
    const dictionary = new Dictionary('unknown', 5)
    const [a, b, c] = [codeOf(dictionary, 'a'), codeOf(dictionary, 'b'), codeOf(dictionary, 'c')]
    dictionary.rememberShort(0x61, 0, 0, a)
    assert.equal(dictionary.findShort(0x61, 0, 0), a)
    assert.equal(dictionary.findShort(0x62, 0, 0), -1)
    assert.equal(
      dictionary.sweep((code) => code === b),
      2,
    )
    assert.equal(dictionary.findShort(0x61, 0, 0), -1)
    assert.equal(dictionary.textOf(b), 'b')
    assert.throws(() => dictionary.textOf(a), /code 1 is not in use/)
    assert.equal(codeOf(dictionary, 'new'), a)
    assert.equal(codeOf(dictionary, 'newer'), c)
    assert.equal(codeOf(dictionary, 'b'), b)
  })

  it('finds a short text by all of its words, not by where they land (D5)', () => {
    const dictionary = new Dictionary('unknown', 5)
    dictionary.rememberShort(1, 2, 3, 7)
    assert.equal(dictionary.findShort(1, 2, 3), 7)
    for (let word = 10; word < 40_000; word++) {
      assert.equal(dictionary.findShort(word, 2, 3), -1)
      assert.equal(dictionary.findShort(1, word, 3), -1)
      assert.equal(dictionary.findShort(1, 2, word), -1)
    }
  })

  it('does not grow with texts that come and go (D4)', () => {
    const dictionary = new Dictionary('unknown', 5)
    let highest = 0
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 2000; i++) codeOf(dictionary, `campaign-${round}-${i}`)
      dictionary.sweep((code) => code < 10)
      highest = Math.max(highest, dictionary.byteSize)
      assert.equal(dictionary.size, 10)
      assert.ok(dictionary.codeLimit <= 2010)
    }
    assert.ok(highest < 300_000, `${highest} bytes`)
  })
})
