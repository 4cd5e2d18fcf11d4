/**
 * Whether a browser sent a request on behalf of a foreign page. Programs send none of these headers.
 *
 * O1  A page of another origin cannot add events by a request that needs no permission (a form, a beacon, an image) to
 *     a server that asks for no key, such as one on this very machine.
 */
import type { IncomingMessage } from 'node:http'

/** Whether a browser says that a page of another origin is behind a request to add events. */
export function isCrossOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin } = headers
  return origin !== undefined && hostOf(origin) !== headers.host?.toLowerCase()
}

/** The same for an image or a link, which belong on pages of other origins: only foreign sites count. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-site'] === 'cross-site'
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
