/**
 * What every answer of the server carries, and whom it answers at all.
 *
 * Q1  The page runs scripts and styles from its own files only: no inline code, no other host, no frame around it.
 * Q2  Bound to loopback, the server answers only to names of this machine: a foreign page that points its own name at
 *     127.0.0.1 (DNS rebinding) is refused.
 */

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** Headers of every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
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

/** Whether a `Host` header may be answered by a server bound to `boundHost` (Q2). */
export function isAllowedHost(header: string | undefined, boundHost: string): boolean {
  if (!isLoopback(boundHost)) return true
  if (header === undefined) return false
  const name = header.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  return isLoopback(name.toLowerCase()) || name.toLowerCase() === boundHost.toLowerCase()
}
