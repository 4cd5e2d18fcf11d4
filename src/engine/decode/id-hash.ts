/**
 * From an id's text to 128 bits (B3 of event-batch).
 *
 * H1  A canonical UUID, 8-4-4-4-12 hexadecimal digits in lower case, is its own 128 bits. Nothing else is: upper case
 *     or missing hyphens make another id.
 * H2  Any other text is hashed with Chaskey-12, a message authentication code with a 128-bit key and a 128-bit tag.
 *     Without the key nobody can make two texts collide, nor a text collide with a UUID, better than by chance.
 * H3  The text is the one after JSON unescaping: `"A1"` and `"\u00411"` are the same bytes here.
 *
 * Chaskey: N. Mouha et al., "Chaskey: An Efficient MAC Algorithm for 32-bit Microcontrollers", SAC 2014; the variant of
 * 12 rounds is that of N. Mouha, "Chaskey: a MAC Algorithm for Microcontrollers, Status Update and Proposal of
 * Chaskey-12", 2015.
 */

/** Length of a canonical UUID's text. */
export const UUID_LENGTH = 36

const ROUNDS = 12
const HYPHEN = 0x2d

/** Value of a lower-case hexadecimal digit, -1 for any other byte: the sign survives shifting and or-ing. */
const HEX_VALUE: Int32Array = new Int32Array(256).fill(-1)
for (let value = 0; value < 16; value++) HEX_VALUE[value < 10 ? 0x30 + value : 0x57 + value] = value

/**
 * Reads the canonical UUID at `pos`, where 36 bytes must exist, into `lanes[at..at+3]`.
 *
 * @returns whether there is one; if not, the lanes hold nothing of meaning
 */
export function readUuid(bytes: Uint8Array, pos: number, lanes: Int32Array, at: number): boolean {
  const hyphens =
    ((bytes[pos + 8] as number) ^ HYPHEN) |
    ((bytes[pos + 13] as number) ^ HYPHEN) |
    ((bytes[pos + 18] as number) ^ HYPHEN) |
    ((bytes[pos + 23] as number) ^ HYPHEN)
  if (hyphens !== 0) return false
  const hex = HEX_VALUE
  let bad = 0
  let from = pos
  for (let lane = 0; lane < 4; lane++) {
    // A hyphen stands before the second and third groups of four digits, inside lanes 1 and 2.
    const gap = lane === 1 || lane === 2 ? 1 : 0
    const a = hex[bytes[from] as number] as number
    const b = hex[bytes[from + 1] as number] as number
    const c = hex[bytes[from + 2] as number] as number
    const d = hex[bytes[from + 3] as number] as number
    const e = hex[bytes[from + 4 + gap] as number] as number
    const f = hex[bytes[from + 5 + gap] as number] as number
    const g = hex[bytes[from + 6 + gap] as number] as number
    const h = hex[bytes[from + 7 + gap] as number] as number
    bad |= a | b | c | d | e | f | g | h
    lanes[at + lane] = (a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h
    from += 9 + (lane & 1)
  }
  return bad >= 0
}

/** Hashes texts with one key. Holds no state between calls. */
export class IdHash {
  readonly #key: Int32Array
  /** The key doubled once and twice in GF(2^128): it closes a message that ends on a block, or within one. */
  readonly #fullBlockKey: Int32Array
  readonly #partBlockKey: Int32Array
  readonly #rounds: number

  /**
   * @param key four lanes, secret and kept for as long as ids must be recognised
   * @param rounds of the permutation; other than the default only to check against published vectors
   */
  constructor(key: Int32Array, rounds: 8 | 12 = ROUNDS) {
    if (key.length !== 4) throw new RangeError(`an id key has 4 lanes, not ${key.length}`)
    this.#key = key.slice()
    this.#fullBlockKey = doubled(this.#key)
    this.#partBlockKey = doubled(this.#fullBlockKey)
    this.#rounds = rounds
  }

  /** Writes the 128 bits of the id [start, end) to `lanes[at..at+3]`. */
  write(bytes: Uint8Array, start: number, end: number, lanes: Int32Array, at: number): void {
    if (end - start === UUID_LENGTH && readUuid(bytes, start, lanes, at)) return
    this.mac(bytes, start, end, lanes, at)
  }

  /** The Chaskey tag of [start, end), whatever it holds. */
  mac(bytes: Uint8Array, start: number, end: number, lanes: Int32Array, at: number): void {
    for (let i = 0; i < 4; i++) lanes[at + i] = this.#key[i] as number
    let pos = start
    for (; end - pos > 16; pos += 16) {
      for (let i = 0; i < 4; i++) lanes[at + i] = (lanes[at + i] as number) ^ wordAt(bytes, pos + 4 * i, end)
      permute(lanes, at, this.#rounds)
    }
    const lastKey = end - pos === 16 ? this.#fullBlockKey : this.#partBlockKey
    for (let i = 0; i < 4; i++) {
      lanes[at + i] = (lanes[at + i] as number) ^ wordAt(bytes, pos + 4 * i, end) ^ (lastKey[i] as number)
    }
    permute(lanes, at, this.#rounds)
    for (let i = 0; i < 4; i++) lanes[at + i] = (lanes[at + i] as number) ^ (lastKey[i] as number)
  }
}

/** Four bytes from `pos`, lowest first, padded after `end` with one 1 and then zeros. */
function wordAt(bytes: Uint8Array, pos: number, end: number): number {
  let word = 0
  for (let i = 3; i >= 0; i--) {
    const from = pos + i
    word = (word << 8) | (from < end ? (bytes[from] as number) : from === end ? 1 : 0)
  }
  return word
}

function doubled(key: Int32Array): Int32Array {
  const [a = 0, b = 0, c = 0, d = 0] = key
  const carry = d < 0 ? 0x87 : 0
  return Int32Array.of((a << 1) ^ carry, (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31))
}

function permute(lanes: Int32Array, at: number, rounds: number): void {
  let v0 = lanes[at] as number
  let v1 = lanes[at + 1] as number
  let v2 = lanes[at + 2] as number
  let v3 = lanes[at + 3] as number
  for (let round = 0; round < rounds; round++) {
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  lanes[at] = v0
  lanes[at + 1] = v1
  lanes[at + 2] = v2
  lanes[at + 3] = v3
}
