/**
 * Token buckets by name: so many events a second, and some at once.
 *
 * R1  A request is let in while its bucket holds anything, and pays when its events are counted: a batch larger than
 *     what is left goes through once, and the bucket's debt keeps the next ones waiting.
 * R2  Memory is bounded: full buckets are forgotten, and forgetting one changes nothing.
 */

interface Bucket {
  tokens: number
  atMs: number
}

const MAX_BUCKETS = 100_000

export class RateLimiter {
  readonly #perMs: number
  readonly #burst: number
  readonly #nowMs: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param nowMs a clock that never goes back */
  constructor(perSecond: number, burstSeconds: number, nowMs: () => number) {
    this.#perMs = perSecond / 1_000
    this.#burst = Math.max(1, perSecond * burstSeconds)
    this.#nowMs = nowMs
  }

  /** How long `name` has to wait, ms; 0 lets it in. */
  waitMs(name: string): number {
    if (this.#perMs === Infinity) return 0
    const tokens = this.#refill(name).tokens
    return tokens > 0 ? 0 : Math.max(1, (1 - tokens) / this.#perMs)
  }

  /** Takes what a request cost. */
  charge(name: string, tokens: number): void {
    if (this.#perMs !== Infinity) this.#refill(name).tokens -= tokens
  }

  get size(): number {
    return this.#buckets.size
  }

  #refill(name: string): Bucket {
    const nowMs = this.#nowMs()
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return this.#add(name, nowMs)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.atMs) * this.#perMs)
    bucket.atMs = nowMs
    return bucket
  }

  #add(name: string, nowMs: number): Bucket {
    if (this.#buckets.size >= MAX_BUCKETS) this.#forget(nowMs)
    const bucket = { tokens: this.#burst, atMs: nowMs }
    this.#buckets.set(name, bucket)
    return bucket
  }

  /** Forgets what has filled up again; where nothing has, the oldest half. */
  #forget(nowMs: number): void {
    for (const [name, { tokens, atMs }] of this.#buckets)
      if (tokens + (nowMs - atMs) * this.#perMs >= this.#burst) this.#buckets.delete(name)
    let excess = this.#buckets.size - MAX_BUCKETS / 2
    for (const name of this.#buckets.keys()) if (excess-- > 0) this.#buckets.delete(name)
  }
}

/** What addresses are limited by: an IPv4 address, or the /64 network of an IPv6 address. */
export function addressGroup(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const left = head.split(':').filter((part) => part !== '')
  const right = tail === undefined ? [] : tail.split(':').filter((part) => part !== '')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
