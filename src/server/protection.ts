/**
 * What every answer of the server carries, and whom it answers at all.
 *
 * Q1  The page runs scripts and styles from its own files only: no inline code, no other host, no frame around it.
 * Q2  Bound to loopback, the server answers only to names of this machine: a foreign page that points its own name at
 *     127.0.0.1 (DNS rebinding) is refused.
 */

const CONTENT_SECURITY_POLICY: readonly string[] = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
]

/** The policy of a page that only `ancestors` may frame; nobody may where there are none. */
export function contentSecurityPolicy(ancestors: readonly string[]): string {
  const frames = ancestors.length === 0 ? "'none'" : ancestors.join(' ')
  return [...CONTENT_SECURITY_POLICY, `frame-ancestors ${frames}`].join('; ')
}

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy([]),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/** Answers of the API are never kept. */
export const API_HEADERS: Readonly<Record<string, string>> = { ...SECURITY_HEADERS, 'cache-control': 'no-store' }

/** Whether `host` is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/**
 * Whether a `Host` header may be answered by a server bound to `boundHost` (Q2).
 *
 * @param publicHost what a proxy on this machine calls the server, with its port where that is not the scheme's own
 */
export function isAllowedHost(header: string | undefined, boundHost: string, publicHost?: string): boolean {
  if (!isLoopback(boundHost)) return true
  if (header === undefined) return false
  if (publicHost !== undefined && header.toLowerCase() === publicHost.toLowerCase()) return true
  const name = header.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  return isLoopback(name.toLowerCase()) || name.toLowerCase() === boundHost.toLowerCase()
}
