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
 * Resolves with the whole body and the room behind it, in a buffer of the pool; with undefined where the client left before
 * its end.
 */
export function receiveBody(request: IncomingMessage, receiving: Receiving): Promise<Buffer | Refusal | undefined> {
  const { lease, pool, turns, maxBytes, room } = receiving
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const expectedBytes = Number(request.headers['content-length'] ?? maxBytes)
    let byteLength = 0
    let turn: Turn | undefined
    let isWaiting = false
    const settle = (result: Buffer | Refusal | undefined): void => {
      request.off('data', onData)
      request.off('end', onEnd)
      request.off('close', onClose)
      chunks.length = 0
      resolve(result)
    }
    const stopReading = (): void => {
      if (isWaiting) request.socket.pause()
    }
    const begin = (): void => {
      isWaiting = false
      request.socket.resume()
      request.resume()
    }
    const waitForTurn = (): void => {
      if (!turns.hasRoom) return settle(tooBusy())
      const waiting = { bytes: expectedBytes - byteLength, begin }
      turn = waiting
      lease.onRelease = () => turns.end(waiting)
      isWaiting = true
      request.pause()
      stopReading()
      // Node reads on to fill the request's own buffer, from its next tick on.
      setImmediate(stopReading)
      turns.wait(waiting)
    }
    const onData = (chunk: Buffer): void => {
      byteLength += chunk.length
      if (byteLength > maxBytes) return settle(bodyTooLarge(maxBytes))
      if (!lease.tryTake(chunk.length)) return settle(tooBusy())
      chunks.push(chunk)
      if (turn === undefined && byteLength < expectedBytes && turns.isCrowded) waitForTurn()
    }
    const onEnd = (): void => {
      if (turn !== undefined) turns.complete(turn)
      settle(joined(chunks, pool.take(byteLength + room)))
    }
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
