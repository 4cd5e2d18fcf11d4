/**
 * Where a click may be sent on to: hosts that are listed, or targets that are signed. Never anywhere else.
 *
 * T1  What was checked is what is sent: the answer holds the parsed address, not the text given.
 * T2  Only whole `http:` and `https:` addresses, without user names, backslashes, spaces or control characters.
 * T3  A host matches whole, after IDN is resolved; `*.example.com` stands for its subdomains, not for itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface RedirectOptions {
  /** Such as `shop.example`, `*.shop.example` or `localhost:3000`; without a port only the scheme's own is meant. */
  readonly hosts?: readonly string[]
  /** Key of the signatures; without one nothing counts as signed. */
  readonly secret?: string
}

export class RedirectTargets {
  readonly #hosts: ReadonlySet<string>
  readonly #domains: readonly string[]
  readonly #secret: string | undefined

  constructor({ hosts = [], secret }: RedirectOptions) {
    const names = hosts.map((host) => host.trim().toLowerCase())
    this.#hosts = new Set(names.filter((name) => !name.startsWith('*.')).map(asciiHost))
    this.#domains = names.filter((name) => name.startsWith('*.')).map((name) => `.${asciiHost(name.slice(2))}`)
    this.#secret = secret
  }

  /** The address to send a click on to, or undefined where that is not allowed. */
  resolve(target: string, signature: string | undefined): string | undefined {
    const url = parsed(target)
    if (url === undefined) return undefined
    return this.#isListed(url) || this.#isSigned(target, signature) ? url.href : undefined
  }

  #isListed({ host }: URL): boolean {
    return this.#hosts.has(host) || this.#domains.some((domain) => host.endsWith(domain) && host.length > domain.length)
  }

  #isSigned(target: string, signature: string | undefined): boolean {
    if (this.#secret === undefined || signature === undefined) return false
    const expected = Buffer.from(signTarget(target, this.#secret))
    const given = Buffer.from(signature.toLowerCase())
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

/** The signature of a target: HMAC-SHA256 over its text, hexadecimal. */
export function signTarget(target: string, secret: string): string {
  return createHmac('sha256', secret).update(target).digest('hex')
}

function parsed(target: string): URL | undefined {
  if (!/^https?:\/\/[^/\\]/i.test(target) || /[\u0000-\u0020\\\u007f]/.test(target)) return undefined
  if (!URL.canParse(target)) return undefined
  const url = new URL(target)
  const isPlain = url.username === '' && url.password === '' && !authorityOf(target).includes('@')
  return isPlain && (url.protocol === 'https:' || url.protocol === 'http:') ? url : undefined
}

function authorityOf(target: string): string {
  return /^https?:\/\/([^/?#]*)/i.exec(target)?.[1] ?? ''
}

function asciiHost(name: string): string {
  return URL.canParse(`http://${name}`) ? new URL(`http://${name}`).host : name
}
