/**
 * What is read several bytes at a time, against the same byte by byte.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readUuid } from '../../../../src/engine/decode/id-hash.ts'
import { flaggedByte, keptBits, lowestFlag, readPlainUuid } from '../../../../src/engine/decode/plain-values.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

describe('the lowest flag of a word', () => {
  const endsText = (byte: number): boolean => byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH
  const wordOf = (bytes: readonly number[]): number => new DataView(Uint8Array.from(bytes).buffer).getInt32(0, true)

  it('is at the first byte that no plain text holds, whatever stands around it', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const filler of [0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x61]) {
        for (const after of [0x00, QUOTE, BACKSLASH, 0xdc, 0x20, 0x21]) {
          for (let at = 0; at < 4; at++) {
            const bytes = [0, 1, 2, 3].map((i) => (i < at ? filler : i === at ? byte : after))
            const first = bytes.findIndex(endsText)
            const flag = lowestFlag(wordOf(bytes))
            assert.equal(flag === 0 ? -1 : flaggedByte(flag), first, bytes.join())
          }
        }
      }
    }
  })

  it('bounds the bytes that are kept', () => {
    for (let at = 0; at < 4; at++) {
      const flag = lowestFlag(wordOf([0, 1, 2, 3].map((i) => (i === at ? QUOTE : 0x61))))
      assert.equal(keptBits(flag), 2 ** (8 * at) - 1)
    }
  })
})

describe('a UUID read by words', () => {
  const uuid = '3f2504e0-4f89-41d3-9a0c-0305e82c33ab'

  it('S1: has the lanes of one read by digits', () => {
    for (let at = 0; at < uuid.length; at++) {
      for (const digit of '0123456789abcdef/:`g-AF"\u00b0') {
        const bytes = Uint8Array.from(uuid, (character, i) => (i === at ? digit : character).charCodeAt(0))
        const [byWords, byDigits] = [new Int32Array(4), new Int32Array(4)]
        const isUuid = readUuid(bytes, 0, byDigits, 0)
        assert.equal(readPlainUuid(new DataView(bytes.buffer), 0, byWords, 0), isUuid, `${digit} at ${at}`)
        if (isUuid) assert.deepEqual(byWords, byDigits)
      }
    }
  })
})
