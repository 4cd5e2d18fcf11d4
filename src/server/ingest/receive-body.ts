/**
 * A request's bytes as they come, bounded in size, in time (by the server's own timeouts) and in sum.
 */
import type { IncomingMessage } from 'node:http'
import { freeBytes } from '../../runtime/free-bytes.ts'
import type { BodyPool } from './body-pool.ts'
import type { ByteLease } from './byte-budget.ts'
import { Refusal } from './refusal.ts'

/** Smaller pieces are left to the garbage collector. */
const FREED_BYTES = 4_096

/**
 * Resolves with the whole body and `room` bytes behind it, in a buffer of the pool; with undefined where the client left before its end.
 *
 * @param maxBytes a body that is longer is refused as soon as that shows
 */
export function receiveBody(
  request: IncomingMessage,
  lease: ByteLease,
  pool: BodyPool,
  maxBytes: number,
  room: number,
): Promise<Buffer | Refusal | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let byteLength = 0
    const settle = (result: Buffer | Refusal | undefined): void => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
      chunks.length = 0
      resolve(result)
    }
    const onData = (chunk: Buffer): void => {
      byteLength += chunk.length
      if (byteLength > maxBytes) settle(bodyTooLarge(maxBytes))
      else if (!lease.tryTake(chunk.length)) settle(tooBusy())
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle(joined(chunks, pool.take(byteLength + room)))
    // After an error, too, of which nobody has to be told.
    const onClose = (): void => settle(undefined)
    request.on('data', onData)
    request.on('end', onEnd)
    request.on('close', onClose)
  })
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
