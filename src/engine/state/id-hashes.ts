/**
 * Two 32-bit hashes of a 128-bit id, for table slots and filter bits.
 *
 * Producers choose their ids, so an unkeyed hash could be flooded: the multipliers are secret, drawn once per engine.
 * Each step is a bijection of the running value (xor, odd multiplication, xor-shift), so ids that differ in one lane
 * never collide in both hashes.
 */

/** Secret odd multipliers. */
export type HashKeys = Int32Array

/** Draws keys from eight random 32-bit integers. */
export function hashKeysFrom(random: Int32Array): HashKeys {
  const keys = new Int32Array(8)
  for (let i = 0; i < 8; i++) keys[i] = (random[i] ?? 0) | 1
  return keys
}

/** Hashes of a run of ids: `first[j]` and `second[j]` belong to the id in row `rows[j]`. */
export class IdHashes {
  first: Int32Array = new Int32Array(0)
  second: Int32Array = new Int32Array(0)
  readonly #keys: HashKeys
  #rows: Int32Array = new Int32Array(0)

  constructor(keys: HashKeys) {
    this.#keys = keys
  }

  /** The first hash of one id, as {@link compute} gives it. */
  firstOf(lanes: Int32Array, row: number): number {
    const keys = this.#keys
    const base = row * 4
    let x = Math.imul((lanes[base] as number) ^ (keys[4] as number), keys[0] as number)
    x = Math.imul((lanes[base + 1] as number) ^ x ^ (x >>> 15), keys[1] as number)
    x = Math.imul((lanes[base + 2] as number) ^ x ^ (x >>> 16), keys[2] as number)
    x = Math.imul((lanes[base + 3] as number) ^ x ^ (x >>> 15), keys[3] as number)
    return x ^ (x >>> 16)
  }

  /** Calls `visit` with both hashes of each of the first `count` ids of `lanes`. */
  forEach(lanes: Int32Array, count: number, visit: (first: number, second: number, row: number) => void): void {
    if (this.#rows.length < count) this.#rows = Int32Array.from({ length: count }, (_, row) => row)
    this.compute(lanes, this.#rows, count)
    for (let row = 0; row < count; row++) visit(this.first[row] as number, this.second[row] as number, row)
  }

  /** Computes the hashes of `count` ids, found in row-major `lanes` at the rows listed in `rows`. */
  compute(lanes: Int32Array, rows: Int32Array, count: number): void {
    if (this.first.length < count) {
      this.first = new Int32Array(count)
      this.second = new Int32Array(count)
    }
    const keys = this.#keys
    const k0 = keys[0] as number
    const k1 = keys[1] as number
    const k2 = keys[2] as number
    const k3 = keys[3] as number
    const k4 = keys[4] as number
    const k5 = keys[5] as number
    const k6 = keys[6] as number
    const k7 = keys[7] as number
    const first = this.first
    const second = this.second
    for (let j = 0; j < count; j++) {
      const base = (rows[j] as number) * 4
      const a = lanes[base] as number
      const b = lanes[base + 1] as number
      const c = lanes[base + 2] as number
      const d = lanes[base + 3] as number
      let x = Math.imul(a ^ k4, k0)
      x = Math.imul(b ^ x ^ (x >>> 15), k1)
      x = Math.imul(c ^ x ^ (x >>> 16), k2)
      x = Math.imul(d ^ x ^ (x >>> 15), k3)
      let y = Math.imul(d ^ k0, k4)
      y = Math.imul(c ^ y ^ (y >>> 16), k5)
      y = Math.imul(b ^ y ^ (y >>> 15), k6)
      y = Math.imul(a ^ y ^ (y >>> 16), k7)
      first[j] = x ^ (x >>> 16)
      second[j] = y ^ (y >>> 15)
    }
  }
}
