/**
 * A request's bytes as they come, bounded in size, in time (by the server's own timeouts) and in sum.
 */
import type { IncomingMessage } from 'node:http'
import { freeBytes } from '../../runtime/free-bytes.ts'
import type { BodyPool } from './body-pool.ts'
import type { ByteLease } from './byte-budget.ts'
import { Refusal } from './refusal.ts'
import type { Turn, Turns } from './turns.ts'

/** Smaller pieces are left to the garbage collector. */
const FREED_BYTES = 4_096

export interface Receiving {
  readonly lease: ByteLease
  readonly pool: BodyPool
  readonly turns: Turns
  /** A body that is longer is refused as soon as that shows. */
  readonly maxBytes: number
  /** Bytes to be left behind the body. */
  readonly room: number
}

/**
 * Resolves with the whole body and the room behind it, in a buffer of the pool; with undefined where the client left
 * before its end.
 */
export function receiveBody(request: IncomingMessage, receiving: Receiving): Promise<Buffer | Refusal | undefined> {
  return new Promise((resolve) => new Reception(request, receiving, resolve).start())
}

class Reception {
  readonly #request: IncomingMessage
  readonly #receiving: Receiving
  readonly #resolve: (result: Buffer | Refusal | undefined) => void
  readonly #expectedBytes: number
  readonly #chunks: Buffer[] = []
  #byteLength = 0
  /** Undefined as long as nobody had to wait for this body. */
  #turn: Turn | undefined
  #isWaiting = false

  constructor(request: IncomingMessage, receiving: Receiving, resolve: (result: Buffer | Refusal | undefined) => void) {
    this.#request = request
    this.#receiving = receiving
    this.#resolve = resolve
    this.#expectedBytes = Number(request.headers['content-length'] ?? receiving.maxBytes)
  }

  start(): void {
    this.#request.on('data', this.#onData)
    this.#request.on('end', this.#onEnd)
    this.#request.on('close', this.#onClose)
  }

  #settle(result: Buffer | Refusal | undefined): void {
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.off('close', this.#onClose)
    this.#chunks.length = 0
    this.#resolve(result)
  }

  readonly #onData = (chunk: Buffer): void => {
    const { lease, turns, maxBytes } = this.#receiving
    this.#byteLength += chunk.length
    if (this.#byteLength > maxBytes) return this.#settle(bodyTooLarge(maxBytes))
    if (!lease.tryTake(chunk.length)) return this.#settle(tooBusy())
    this.#chunks.push(chunk)
    const isWhole = this.#byteLength >= this.#expectedBytes
    if (this.#turn === undefined && !isWhole && turns.isCrowded) this.#waitForTurn()
  }

  readonly #onEnd = (): void => {
    const { pool, turns, room } = this.#receiving
    if (this.#turn !== undefined) turns.complete(this.#turn)
    this.#settle(joined(this.#chunks, pool.take(this.#byteLength + room)))
  }

  // After an error, too, of which nobody has to be told.
  readonly #onClose = (): void => this.#settle(undefined)

  #waitForTurn(): void {
    const { lease, turns } = this.#receiving
    if (!turns.hasRoom) return this.#settle(tooBusy())
    const turn = { bytes: this.#expectedBytes - this.#byteLength, begin: this.#begin }
    this.#turn = turn
    lease.onRelease = () => turns.end(turn)
    this.#isWaiting = true
    this.#request.pause()
    this.#stopReading()
    // Node reads on to fill the request's own buffer, from its next tick on.
    setImmediate(this.#stopReading)
    turns.wait(turn)
  }

  readonly #stopReading = (): void => {
    if (this.#isWaiting) this.#request.socket.pause()
  }

  readonly #begin = (): void => {
    this.#isWaiting = false
    this.#request.socket.resume()
    this.#request.resume()
  }
}

function joined(chunks: readonly Buffer[], body: Buffer): Buffer {
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
    if (chunk.length >= FREED_BYTES) freeBytes(chunk)
  }
  return body
}

/** The answer to a body over the limit. */
export function bodyTooLarge(maxBytes: number): Refusal {
  return new Refusal('body_too_large', `The body is over ${maxBytes} bytes. Send fewer events at a time, or compress.`)
}

/** The answer where too many bytes are in flight. */
export function tooBusy(): Refusal {
  return new Refusal('too_busy', 'Too many events are on their way at present. Nothing was taken; send it again.', 1)
}
