/**
 * The bytes of fetched blocks, used again and again: blocks that the collector had to find and free would cost more
 * than everything else that is done with them.
 *
 * P1  Nobody has bytes that somebody else has: they come back when their block was read, and only then.
 * P2  What is kept for later is bounded; beyond that, and below a size that pays, blocks go the way of all others.
 */

const MIN_BYTES = 1 << 16
const KEPT_BYTES = 32 << 20

export class BlockPool {
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>()
  #keptBytes = 0

  /** Bytes kept for later. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** Bytes with whatever is in them. */
  take(length: number): Uint8Array<ArrayBuffer> {
    // Every byte is written by whoever asks: zeros first would cost as much as the copy.
    if (length < MIN_BYTES) return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    const size = 2 ** Math.ceil(Math.log2(length))
    const kept = this.#free.get(size)?.pop()
    if (kept === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer, 0, length)
    this.#keptBytes -= size
    return kept.subarray(0, length)
  }

  /** Takes bytes back that {@link take} gave. */
  giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
    const size = buffer.byteLength
    if (size < MIN_BYTES || this.#keptBytes + size > KEPT_BYTES) return
    const ofSize = this.#free.get(size)
    const bytes = new Uint8Array(buffer)
    if (ofSize === undefined) this.#free.set(size, [bytes])
    else ofSize.push(bytes)
    this.#keptBytes += size
  }
}
