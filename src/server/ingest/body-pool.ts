/**
 * Buffers for bodies, used again: made anew for every batch they would keep the garbage collector busy, which counts
 * their bytes and runs over everything each time some tens of MB are gone.
 *
 * P1  A buffer is lent to one body at a time; giving back what is not lent changes nothing.
 * P2  What lies unused is bounded; larger bodies than {@link MAX_BYTES} get buffers of their own.
 */

const MIN_BYTES = 1 << 15
const MAX_BYTES = 1 << 21
const MAX_IDLE_BYTES = 1 << 24

export class BodyPool {
  /** Unused buffers by size. */
  readonly #idle = new Map<number, ArrayBuffer[]>()
  readonly #lent = new Set<ArrayBuffer>()
  #idleBytes = 0

  /** A buffer of exactly this length, with anything in it. */
  take(byteLength: number): Buffer {
    if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return Buffer.allocUnsafe(byteLength)
    const size = 1 << Math.ceil(Math.log2(byteLength))
    const memory = this.#idle.get(size)?.pop()
    if (memory !== undefined) this.#idleBytes -= size
    const lent = memory ?? new ArrayBuffer(size)
    this.#lent.add(lent)
    return Buffer.from(lent, 0, byteLength)
  }

  /** Takes back a buffer that nobody reads any more. */
  giveBack({ buffer: memory }: Uint8Array): void {
    if (!(memory instanceof ArrayBuffer) || !this.#lent.delete(memory)) return
    const size = memory.byteLength
    if (this.#idleBytes + size > MAX_IDLE_BYTES) return
    this.#idleBytes += size
    const idle = this.#idle.get(size)
    if (idle === undefined) this.#idle.set(size, [memory])
    else idle.push(memory)
  }
}
