/**
 * A byte source over a Node stream: standard input, a pipe, or a file that is compressed.
 */
import type { Readable } from 'node:stream'
import type { ByteSource } from '../../runtime/ports.ts'
import { type Compression, content } from './compression.ts'
import { damaged } from './input-error.ts'

export interface StreamSourceOptions {
  /** What messages call it. */
  readonly name: string
  readonly raw: Readable
  /** Bytes in all as they lie on disk, where that is known. */
  readonly byteLength?: number | undefined
  /** How it is compressed where its first bytes do not say so. */
  readonly named?: Compression | undefined
  /** Bytes taken from disk so far; what was handed out unless given. */
  readonly bytesTaken?: () => number
}

export class StreamSource implements ByteSource {
  readonly name: string
  readonly byteLength: number | undefined
  readonly #raw: Readable
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #bytesTaken: () => number
  #chunk: Uint8Array = new Uint8Array(0)
  #used = 0
  #handedOut = 0

  constructor({ name, raw, byteLength, named, bytesTaken }: StreamSourceOptions) {
    this.name = name
    this.byteLength = byteLength
    this.#raw = raw
    this.#bytesTaken = bytesTaken ?? (() => this.#handedOut)
    this.#chunks = content(raw, named)
  }

  get bytesTaken(): number {
    return this.#bytesTaken()
  }

  async read(into: Uint8Array, offset: number, length: number): Promise<number> {
    if (this.#used === this.#chunk.length && !(await this.#next())) return 0
    const count = Math.min(length, this.#chunk.length - this.#used)
    into.set(this.#chunk.subarray(this.#used, this.#used + count), offset)
    this.#used += count
    this.#handedOut += count
    return count
  }

  close(): Promise<void> {
    this.#raw.destroy()
    return Promise.resolve()
  }

  async #next(): Promise<boolean> {
    try {
      const next = await this.#chunks.next()
      if (next.done === true) return false
      this.#chunk = next.value
      this.#used = 0
      return true
    } catch (cause) {
      throw damaged(this.name, cause)
    }
  }
}
