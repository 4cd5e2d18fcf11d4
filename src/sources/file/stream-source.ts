/**
 * A byte source over a Node stream: standard input, or a file behind a decompressor.
 */
import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { TidemarkError } from '../../errors.ts'
import type { ByteSource } from '../../runtime/ports.ts'

export class StreamSource implements ByteSource {
  readonly name: string
  readonly byteLength: number | undefined
  bytesTaken = 0
  readonly #raw: Readable
  readonly #chunks: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  #used = 0
  #failure: unknown

  constructor(name: string, raw: Readable, byteLength: number | undefined, decompress?: Transform) {
    this.name = name
    this.byteLength = byteLength
    this.#raw = raw
    if (decompress === undefined) {
      this.#chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
      return
    }
    // pipeline() passes an error of the file on to the decompressor, whose iterator then throws it.
    pipeline(raw, decompress).catch((cause: unknown) => (this.#failure = cause))
    this.#chunks = decompress[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  }

  async read(into: Uint8Array, offset: number, length: number): Promise<number> {
    if (this.#used === this.#chunk.length && !(await this.#next())) return 0
    const count = Math.min(length, this.#chunk.length - this.#used)
    into.set(this.#chunk.subarray(this.#used, this.#used + count), offset)
    this.#used += count
    return count
  }

  close(): Promise<void> {
    this.#raw.destroy()
    return Promise.resolve()
  }

  async #next(): Promise<boolean> {
    try {
      const next = await this.#chunks.next()
      if (this.#failure !== undefined) throw this.#failure
      if (next.done === true) return false
      this.#chunk = next.value
      this.#used = 0
      this.bytesTaken += next.value.length
      return true
    } catch (cause) {
      throw new TidemarkError('INPUT_CORRUPT', `The input "${this.name}" is damaged: ${(cause as Error).message}.`, {
        where: this.name,
        fix: 'Fetch or compress the file again; nothing was written.',
        cause,
      })
    }
  }
}
