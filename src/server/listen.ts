/**
 * Finds the port to listen on: the one asked for or none; the default, or the next free one after it.
 */
import { TidemarkError } from '../errors.ts'
import { findPortHolder } from './port-holder.ts'

/** Where the page is unless told otherwise. */
export const DEFAULT_PORT = 4400
/** How many ports after the default are tried. */
const PORTS_TRIED = 20

/** Something that listens once, or rejects with the system's error. */
export type Listener = (port: number) => Promise<unknown>

/**
 * Listens with `listener` on `port` (0 picks a free one), or, where it is undefined, on the default or the next free one.
 *
 * @throws TidemarkError `PORT_UNAVAILABLE`, naming who holds the port where that can be found out
 */
export async function listenOnFreePort(listener: Listener, host: string, port: number | undefined): Promise<void> {
  const candidates = port === undefined ? Array.from({ length: PORTS_TRIED }, (_, i) => DEFAULT_PORT + i) : [port]
  for (const candidate of candidates) {
    try {
      await listener(candidate)
      return
    } catch (error) {
      const isTaken = codeOf(error) === 'EADDRINUSE'
      if (isTaken && candidate !== candidates.at(-1)) continue
      throw await portError(error, host, candidate, port === undefined)
    }
  }
}

async function portError(error: unknown, host: string, port: number, isDefault: boolean): Promise<TidemarkError> {
  const where = `${host}:${port}`
  const code = codeOf(error)
  if (code === 'EADDRINUSE') {
    const holder = await findPortHolder(port)
    const by = holder === undefined ? 'by another program' : `by ${holder}`
    const message = isDefault
      ? `The page found no free port: ${DEFAULT_PORT} to ${port} on ${host} are all taken, the last ${by}.`
      : `The page cannot listen on port ${port} of ${host}: it is taken ${by}.`
    return new TidemarkError('PORT_UNAVAILABLE', message, {
      where,
      cause: error,
      fix: 'Use --port 0 for any free port.',
    })
  }
  const reason =
    code === 'EACCES'
      ? 'ports below 1024 need more rights'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : String(error)
  const message = `The page cannot listen on port ${port} of ${host}: ${reason}.`
  const fix = code === 'EACCES' ? 'Use --port with 1024 to 65535, or 0 for any free port.' : 'Use --host 127.0.0.1.'
  return new TidemarkError('PORT_UNAVAILABLE', message, { where, cause: error, fix })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
