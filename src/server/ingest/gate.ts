/**
 * Who may send what: keys, origins and rates, before anything of a body is read.
 *
 * G1  Where keys were ever made, or the server is to be reached from elsewhere, nobody sends without a key.
 * G2  Without a key a browser's request counts only where it comes from a page of this server.
 * G3  A key sends to its own streams.
 */
import type { IncomingMessage } from 'node:http'
import { TidemarkError } from '../../errors.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import type { KeyRing, KnownKey } from '../keys/key-ring.ts'
import { isLoopback } from '../protection.ts'
import type { IngestLimits } from './limits.ts'
import { addressGroup, RateLimiter } from './rate-limiter.ts'
import { Refusal } from './refusal.ts'

/** Who sends, as far as it matters. */
export interface Sender {
  readonly address: string
  readonly keyId: string | undefined
}

/** What a request wants. */
export interface Wish {
  readonly stream: StreamName
  /** A key in the address of the request, where that is allowed. */
  readonly queryKey?: string
  /** Whether it comes from a foreign page by way of a browser. */
  readonly isForeign: boolean
}

export class Gate {
  readonly #keys: KeyRing | undefined
  readonly #keyRates: RateLimiter
  readonly #addressRates: RateLimiter
  readonly #badKeyRates: RateLimiter
  #isExposed = false

  constructor(limits: IngestLimits, keys: KeyRing | undefined, monotonicMs: () => number) {
    const { maxEventsPerSecondPerKey, maxEventsPerSecondPerAddress, maxBadKeysPerSecondPerAddress } = limits
    const rates = (perSecond: number): RateLimiter => new RateLimiter(perSecond, limits.burstSeconds, monotonicMs)
    this.#keys = keys
    this.#keyRates = rates(maxEventsPerSecondPerKey)
    this.#addressRates = rates(maxEventsPerSecondPerAddress)
    this.#badKeyRates = rates(maxBadKeysPerSecondPerAddress)
  }

  /**
   * Says where the server is about to listen.
   *
   * @throws TidemarkError KEY_REQUIRED where others than this machine could send and there is no key
   */
  expose(host: string): void {
    this.#isExposed = !isLoopback(host)
    if (!this.#isExposed || this.#keys?.hasValidKeys === true) return
    const folder = this.#keys === undefined ? '' : ` --data-dir ${this.#keys.dataDir}`
    throw new TidemarkError('KEY_REQUIRED', `Events sent to ${host} could come from anyone: there is no key yet.`, {
      where: host,
      fix: `./tidemark keys create --name NAME${folder}, or --host 127.0.0.1.`,
    })
  }

  /** Lets a request in, or says why not. Throws KEYS_UNREADABLE. */
  enter(request: IncomingMessage, wish: Wish): Sender | Refusal {
    const address = addressGroup(request.socket.remoteAddress)
    const text = keyText(request, wish.queryKey)
    const key = text === undefined ? undefined : this.#keys?.check(text)
    if (text !== undefined && key === undefined) return this.#badKey(address)
    if (key === undefined) {
      if (this.#isExposed || this.#keys?.hasKeys === true)
        return new Refusal('key_required', 'Send a key: Authorization: Bearer KEY. ./tidemark keys create makes one.')
      if (wish.isForeign) return crossOrigin()
    } else if (!key.streams.includes(wish.stream)) return otherStream(key, wish.stream)
    const sender = { address, keyId: key?.id }
    const waitMs = Math.max(this.#addressRates.waitMs(address), key === undefined ? 0 : this.#keyRates.waitMs(key.id))
    return waitMs > 0 ? rateLimited(waitMs) : sender
  }

  /** Charges a sender for events that were sent. */
  charge({ address, keyId }: Sender, events: number): void {
    this.#addressRates.charge(address, events)
    if (keyId !== undefined) this.#keyRates.charge(keyId, events)
  }

  #badKey(address: string): Refusal {
    const waitMs = this.#badKeyRates.waitMs(address)
    this.#badKeyRates.charge(address, 1)
    if (waitMs > 0) return rateLimited(waitMs)
    return new Refusal(
      'key_invalid',
      'This key is not valid here, or is revoked. ./tidemark keys list shows which are.',
    )
  }
}

function keyText({ headers }: IncomingMessage, queryKey: string | undefined): string | undefined {
  const { authorization } = headers
  if (authorization !== undefined) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''
  const header = headers['x-api-key']
  return typeof header === 'string' ? header : queryKey
}

function otherStream({ streams }: KnownKey, stream: StreamName): Refusal {
  return new Refusal('stream_not_allowed', `This key may send ${streams.join(' and ')} only, not ${stream}.`)
}

function crossOrigin(): Refusal {
  return new Refusal(
    'cross_origin',
    'Pages of another origin may not add events here. Send them from a program, or with a key.',
  )
}

function rateLimited(waitMs: number): Refusal {
  const waitS = Math.ceil(waitMs / 1_000)
  return new Refusal('rate_limited', 'Too much from this sender at once. Send it again later.', waitS)
}
