/**
 * Who is logged in: random tokens in memory. A restart logs everybody out.
 *
 * S1  A token is 256 random bits; only its SHA-256 is kept, so that what is in memory opens nothing.
 * S2  A session ends after 12 hours without a request, after 7 days in any case, and when its user is removed or
 *     changed.
 * S3  Memory is bounded: of too many sessions of one user the oldest goes.
 */
import { createHash, randomBytes } from 'node:crypto'
import { DAY_MS, HOUR_MS } from '../../time/units.ts'

const IDLE_MS = 12 * HOUR_MS
const MAX_AGE_MS = 7 * DAY_MS
const MAX_PER_USER = 32

interface Session {
  readonly user: string
  /** Which state of the user it was made for (S2). */
  readonly stamp: string
  readonly beganAtMs: number
  usedAtMs: number
}

export class Sessions {
  readonly #nowMs: () => number
  readonly #sessions = new Map<string, Session>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Begins a session; returns its token. */
  begin(user: string, stamp: string): string {
    this.#forget()
    const own = [...this.#sessions].filter(([, session]) => session.user === user)
    for (const [key] of own.slice(0, Math.max(0, own.length + 1 - MAX_PER_USER))) this.#sessions.delete(key)
    const token = randomBytes(32).toString('base64url')
    const nowMs = this.#nowMs()
    this.#sessions.set(keyOf(token), { user, stamp, beganAtMs: nowMs, usedAtMs: nowMs })
    return token
  }

  /** Whose session a token is, as long as it lasts. */
  find(token: string): { readonly user: string; readonly stamp: string } | undefined {
    const key = keyOf(token)
    const session = this.#sessions.get(key)
    if (session === undefined) return undefined
    if (this.#isOver(session)) {
      this.#sessions.delete(key)
      return undefined
    }
    session.usedAtMs = this.#nowMs()
    return session
  }

  /** Ends the session of a token. */
  end(token: string): void {
    this.#sessions.delete(keyOf(token))
  }

  get size(): number {
    return this.#sessions.size
  }

  #isOver({ beganAtMs, usedAtMs }: Session): boolean {
    const nowMs = this.#nowMs()
    return nowMs - usedAtMs > IDLE_MS || nowMs - beganAtMs > MAX_AGE_MS
  }

  #forget(): void {
    for (const [key, session] of this.#sessions) if (this.#isOver(session)) this.#sessions.delete(key)
  }
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
