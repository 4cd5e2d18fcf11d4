/**
 * The checksum against published vectors and against the definition, bit by bit.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { crc32c, crc32cHere } from '../../../src/checkpoint/format/crc32c.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/checkpoint/crc32c.test.ts'

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
/** An iSCSI read command, RFC 3720 B.4. */
const command = Uint8Array.from(
  '01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000'
    .replaceAll(' ', '')
    .match(/../g) ?? [],
  (hex) => parseInt(hex, 16),
)

describe('CRC-32C', () => {
  for (const [what, bytes, expected] of [
    ['nothing', new Uint8Array(), 0],
    ['"123456789"', new TextEncoder().encode('123456789'), 0xe3069283],
    ['RFC 3720: 32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['RFC 3720: 32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['RFC 3720: 32 ascending bytes', ascending, 0x46dd794e],
    ['RFC 3720: 32 descending bytes', ascending.toReversed(), 0x113fdb5c],
    ['RFC 3720: an iSCSI read command', command, 0xd9963a56],
  ] as const) {
    it(`gives the published value: ${what}`, () => assert.equal(crc32c(bytes), expected))
  }

  it('equals the definition for any bytes, wherever they lie, in one piece or in two', () => {
    checkProperty(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(8), fc.nat(8), fc.nat(200), (bytes, before, after, cut) => {
        const host = new Uint8Array(before + bytes.length + after).fill(0xa5)
        host.set(bytes, before)
        const end = before + bytes.length
        const middle = Math.min(before + cut, end)
        assert.equal(crc32c(host, before, end), bitByBit(bytes))
        assert.equal(crc32c(host, middle, end, crc32c(host, before, middle)), bitByBit(bytes))
        assert.equal(crc32c(host.subarray(before, end)), bitByBit(bytes))
      }),
      2_000,
      FILE,
    )
  })

  it('is the same with and without native code, at every length about where it begins', () => {
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 31) >>> 3)
    for (const length of [510, 511, 512, 513, 1_000, 4_099, 5_000])
      for (const seed of [0, 0xe3069283])
        assert.equal(crc32c(bytes, 0, length, seed), crc32cHere(bytes, 0, length, seed))
    for (let start = 0; start < 17; start++) {
      assert.equal(crc32c(bytes, start, 4_000), crc32cHere(bytes, start, 4_000, 0))
      assert.equal(crc32c(bytes, start, 4_000), bitByBit(bytes.subarray(start, 4_000)))
    }
  })
})
