/**
 * Headers in the journal: B1 and B3 of `journal-block.ts`, F1 of `journal-segment.ts`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BLOCK_HEADER_BYTES,
  decodeBlockHeader,
  encodeBlockHeader,
  type BlockHeader,
} from '../../../src/checkpoint/format/journal-block.ts'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../../src/checkpoint/format/journal-segment.ts'

const SALT = 0x9e37_79b1
const OFFSET = 4_096
const HEADER: BlockHeader = {
  recordCount: 3,
  arrivalMs: 1_767_225_600_000,
  floorMs: -Infinity,
  linesBytes: 120,
  sourcePositionBytes: 8,
  durableEnd: 4_000,
  bodyCrc: 0x1234_5678,
}

/** The bytes with each of their bits changed in turn. */
function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    yield flipped
  }
}

describe('the header of a block', () => {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES)
  encodeBlockHeader(HEADER, SALT, OFFSET, bytes)

  it('control: is read as it was written', () => {
    assert.deepEqual(decodeBlockHeader(bytes, 0, SALT, OFFSET), HEADER)
  })

  it('B1, B3: is none where any bit was changed, before what it measures is read', () => {
    for (const flipped of flips(bytes)) assert.equal(decodeBlockHeader(flipped, 0, SALT, OFFSET), undefined)
  })

  it('B1: is none at another offset, nor in another segment', () => {
    assert.equal(decodeBlockHeader(bytes, 0, SALT, OFFSET + 1), undefined)
    assert.equal(decodeBlockHeader(bytes, 0, SALT + 1, OFFSET), undefined)
  })
})

describe('the header of a segment', () => {
  const header = { partition: 'http/clicks', startOffset: OFFSET, firstArrivalMs: 1_767_225_600_000, salt: SALT }

  it('F1: is refused where any bit was changed', () => {
    const bytes = encodeSegmentHeader(header)
    assert.deepEqual(decodeSegmentHeader(bytes), { header, byteLength: bytes.length })
    for (const flipped of flips(bytes)) assert.ok('problem' in decodeSegmentHeader(flipped))
  })
})
