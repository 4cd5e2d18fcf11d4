import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IdHash, readUuid } from '../../../../src/engine/decode/id-hash.ts'
import { readPlainUuid } from '../../../../src/engine/decode/plain-values.ts'

const encoder = new TextEncoder()

// Vectors published with the reference implementations (mouha.be/chaskey): message 00 01 02 … of the given length.
const VECTOR_KEY = Int32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39)
const VECTORS_8: Readonly<Record<number, string>> = {
  0: '792e8fe5 75ce87aa 2d1450b5 1191970b',
  1: '13a9307b 50e62c89 4577bd88 c0bbdc18',
  15: '51b94da4 efcc4de8 192412ea bbc170dd',
  16: '79271ca9 d66a1c71 81ca474e 49831cad',
  17: '048da968 4e25d096 2d6cf897 bc3959ca',
  32: '60b3f7af 37eee7c8 836cfd98 782ca060',
  63: '9047fad7 88136d8c a488286b 7fe9352c',
}
const VECTORS_12: Readonly<Record<number, string>> = {
  0: '43cb1f41 51eba0c2 ff0a8ac3 7ee3f642',
  1: 'f9ac2067 9c35a846 441aad3d 777b7330',
  15: '03cfb44b 283c8163 fca71448 c40a0aea',
  16: '5dd0e2a9 fb5eac8c 633a392e 500c36f3',
  17: '8b5f6d5a 202314f6 22092368 9639e606',
  32: '77962784 07c647fa dd752c0f d2f5a799',
  63: '2dd072e1 42b89efe fb26b615 049aa451',
}

function hex(lanes: Int32Array): string {
  return Array.from(lanes, (lane) => (lane >>> 0).toString(16).padStart(8, '0')).join(' ')
}

function idOf(text: string, key = Int32Array.of(1, 2, 3, 4)): string {
  const bytes = encoder.encode(`<${text}>`)
  const lanes = new Int32Array(6)
  new IdHash(key).write(bytes, 1, bytes.length - 1, lanes, 1)
  assert.equal(lanes[0], 0)
  assert.equal(lanes[5], 0)
  return hex(lanes.subarray(1, 5))
}

describe('Chaskey', () => {
  for (const [rounds, vectors] of [
    [8, VECTORS_8],
    [12, VECTORS_12],
  ] as const) {
    it(`gives the published tags with ${rounds} rounds`, () => {
      const message = Uint8Array.from({ length: 64 }, (_, i) => i)
      for (const [length, tag] of Object.entries(vectors)) {
        const lanes = new Int32Array(4)
        new IdHash(VECTOR_KEY, rounds).mac(message, 0, Number(length), lanes, 0)
        assert.equal(hex(lanes), tag, `length ${length}`)
      }
    })
  }
})

describe('an id', () => {
  const uuid = '3f2504e0-4f89-41d3-9a0c-0305e82c33ab'

  it('H1: that is a canonical UUID is its own 128 bits', () => {
    assert.equal(idOf(uuid), '3f2504e0 4f8941d3 9a0c0305 e82c33ab')
    assert.equal(idOf('ffffffff-ffff-ffff-ffff-ffffffffffff'), 'ffffffff ffffffff ffffffff ffffffff')
    assert.equal(idOf('00000000-0000-0000-0000-000000000000'), '00000000 00000000 00000000 00000000')
  })

  it('H1: differs where its text does: case, hyphens, length, digits past 2^53', () => {
    const texts = [
      uuid,
      uuid.toUpperCase(),
      uuid.replaceAll('-', ''),
      `${uuid}0`,
      ` ${uuid}`,
      uuid.slice(0, -1),
      '3f2504e04-f89-41d3-9a0c-0305e82c33ab',
      'gf2504e0-4f89-41d3-9a0c-0305e82c33ab',
      '9007199254740993',
      '9007199254740992',
      '123',
      '0123',
      'a'.repeat(16),
      'a'.repeat(17),
      'a'.repeat(32),
    ]
    assert.equal(new Set(texts.map((text) => idOf(text))).size, texts.length)
  })

  it('H2: is hashed under the key, unless it is a UUID', () => {
    const other = Int32Array.of(1, 2, 3, 5)
    assert.notEqual(idOf('A1'), idOf('A1', other))
    assert.equal(idOf(uuid), idOf(uuid, other))
  })

  it('is a UUID by both readers or by neither, whichever byte is changed to whatever', () => {
    const bytes = encoder.encode(uuid)
    const view = new DataView(bytes.buffer)
    const one = new Int32Array(4)
    const other = new Int32Array(4)
    let uuids = 0
    for (let pos = 0; pos < bytes.length; pos++) {
      const was = bytes[pos] ?? 0
      for (let byte = 0; byte < 256; byte++) {
        bytes[pos] = byte
        const isUuid = readUuid(bytes, 0, one, 0)
        assert.equal(readPlainUuid(view, 0, other, 0), isUuid)
        if (isUuid) assert.deepEqual(other, one)
        uuids += isUuid ? 1 : 0
      }
      bytes[pos] = was
    }
    assert.equal(uuids, 32 * 16 + 4)
  })

  it('needs a key of four lanes', () => {
    assert.throws(() => new IdHash(new Int32Array(3)), /an id key has 4 lanes, not 3/)
  })
})
