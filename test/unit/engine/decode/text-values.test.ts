/**
 * Values by their decimal text: V2 of `text-values.ts`. What they are is `decoder.test.ts`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  parseMoney,
  parseTimeNumber,
  parseTimeText,
  unescapeString,
} from '../../../../src/engine/decode/text-values.ts'
import { growth } from '../../../support/count-steps.ts'

const encoder = new TextEncoder()
type Read = (bytes: Uint8Array, start: number, end: number) => number
const unescape: Read = (bytes, start, end) => unescapeString(bytes, start, end, new Uint8Array(4 * bytes.length))

describe('values in text', () => {
  for (const [what, read, text] of [
    ['money with many digits', parseMoney, (size) => `0.${'0'.repeat(size)}1${'0'.repeat(size)}`],
    ['money with a long exponent', parseMoney, (size) => `1e${'9'.repeat(size)}`],
    ['a time with many digits', parseTimeNumber, (size) => `1${'0'.repeat(size)}.${'0'.repeat(size)}`],
    ['a time with a long exponent', parseTimeNumber, (size) => `1e-${'9'.repeat(size)}`],
    ['a time with a long fraction', parseTimeText, (size) => `2026-01-01T00:00:00.${'0'.repeat(size)}Z`],
    ['escapes', unescape, (size) => String.raw`\u0041\"\\`.repeat(size)],
  ] satisfies [string, Read, (size: number) => string][]) {
    it(`V2: takes steps in proportion to its text: ${what}`, () => {
      const times = growth((size) => {
        const bytes = encoder.encode(text(size))
        read(bytes, 0, bytes.length)
      }, 5_000)
      assert.ok(times > 1.9 && times < 2.1, `${times} times for twice as much`)
    })
  }
})
