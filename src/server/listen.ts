/**
 * Finds the port to listen on: the one asked for or none; the default, or the next free one after it.
 */
import { codeOf, messageOf, TidemarkError } from '../errors.ts'
import { findPortHolder } from './port-holder.ts'

/** Where the page is unless told otherwise. */
export const DEFAULT_PORT = 4400
/** How many ports after the default are tried. */
const PORTS_TRIED = 20

/** Something that listens once, or rejects with the system's error. */
export type Listener = (port: number) => Promise<unknown>

/** Where to listen, and what messages call it. */
export interface Place {
  readonly host: string
  /** 0 picks a free one; undefined is `firstPort` or the next free one. */
  readonly port: number | undefined
  readonly firstPort: number
  /** The option that sets the port. */
  readonly option: string
  /** Begins a sentence: "The page". */
  readonly what: string
}

/** The page's place. */
export function pagePlace(host: string, port: number | undefined): Place {
  return { host, port, firstPort: DEFAULT_PORT, option: '--port', what: 'The page' }
}

/**
 * Listens with `listener` on the port of `place`, or, where it names none, on the first or the next free one.
 *
 * @throws TidemarkError `PORT_UNAVAILABLE`, naming who holds the port where that can be found out
 */
export async function listenOnFreePort(listener: Listener, place: Place): Promise<void> {
  const { port, firstPort } = place
  const candidates = port === undefined ? Array.from({ length: PORTS_TRIED }, (_, i) => firstPort + i) : [port]
  for (const candidate of candidates) {
    try {
      await listener(candidate)
      return
    } catch (error) {
      const isTaken = codeOf(error) === 'EADDRINUSE'
      if (isTaken && candidate !== candidates.at(-1)) continue
      throw await portError(error, place, candidate)
    }
  }
}

async function portError(error: unknown, place: Place, port: number): Promise<TidemarkError> {
  const { host, firstPort, option, what } = place
  const where = `${host}:${port}`
  const code = codeOf(error)
  if (code === 'EADDRINUSE') {
    const holder = await findPortHolder(port)
    const by = holder === undefined ? 'by another program' : `by ${holder}`
    const message =
      place.port === undefined
        ? `${what} found no free port: ${firstPort} to ${port} on ${host} are all taken, the last ${by}.`
        : `${what} cannot listen on port ${port} of ${host}: it is taken ${by}.`
    return new TidemarkError('PORT_UNAVAILABLE', message, {
      where,
      cause: error,
      fix: `Use ${option} 0 for any free port.`,
    })
  }
  const reason =
    code === 'EACCES'
      ? 'ports below 1024 need more rights'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : messageOf(error)
  const message = `${what} cannot listen on port ${port} of ${host}: ${reason}.`
  const fix = code === 'EACCES' ? `Use ${option} with 1024 to 65535, or 0 for any free port.` : 'Use --host 127.0.0.1.'
  return new TidemarkError('PORT_UNAVAILABLE', message, { where, cause: error, fix })
}
