/**
 * Lets a sender wait without taking anything of what it sends: its bytes stay in the system, which slows it down.
 */
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** Leaves what comes of a request unread for `ms`, or until its sender leaves. */
export async function holdUnread({ socket }: IncomingMessage, ms: number): Promise<void> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  const pause = (): void => {
    if (!ended.signal.aborted) socket.pause()
  }
  socket.once('close', end)
  pause()
  // Node reads on to fill the request's own buffer, from its next tick on.
  setImmediate(pause)
  await delay(ms, undefined, { signal: ended.signal }).catch(() => undefined)
  end()
  socket.off('close', end)
  socket.resume()
}
