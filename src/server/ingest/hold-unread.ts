/**
 * Lets a sender wait without taking anything of what it sends: its bytes stay in the system, which slows it down.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

interface Hold {
  readonly pause: () => void
  readonly ended: Promise<void>
}

const holds = new WeakMap<Socket, Hold>()

/** Leaves what comes of a request unread for `ms`, or until its sender leaves; requests of one connection together. */
export async function holdUnread({ socket }: IncomingMessage, ms: number): Promise<void> {
  const hold = holds.get(socket) ?? beginHold(socket, ms)
  hold.pause()
  // Node reads on to fill the request's own buffer, from its next tick on.
  setImmediate(hold.pause)
  await hold.ended
}

function beginHold(socket: Socket, ms: number): Hold {
  const over = new AbortController()
  const pause = (): void => {
    if (!over.signal.aborted) socket.pause()
  }
  const hold = { pause, ended: keepHeld(socket, ms, over) }
  holds.set(socket, hold)
  return hold
}

async function keepHeld(socket: Socket, ms: number, ended: AbortController): Promise<void> {
  const end = (): void => ended.abort()
  socket.once('close', end)
  await delay(ms, undefined, { signal: ended.signal }).catch(() => undefined)
  end()
  socket.off('close', end)
  holds.delete(socket)
  socket.resume()
}
