/**
 * Who may look. On this machine everybody; as soon as others can reach the server, or users were added, only who logs
 * in.
 *
 * A1  Without a session nothing is served but the login page, and whether the process lives and is ready. The ingest,
 *     which has keys, is not asked.
 * A2  The cookie is `__Host-`, Secure and HttpOnly: no script reads it, no other host sets it, it never goes out in
 *     clear.
 * A3  What a foreign page sends logs nobody in or out.
 * A4  Guessing is slow: so many tries of an address and of a name, one at a time, and the same answer for both.
 */
import type { IncomingMessage } from 'node:http'
import { addressGroup, RateLimiter } from '../ingest/rate-limiter.ts'
import { isPassword, isBusy, MAX_PASSWORD_LENGTH } from './password-hash.ts'
import { Sessions } from './sessions.ts'
import { UserDirectory } from './user-directory.ts'
import { ANYBODY, type Viewer } from './viewer.ts'

export interface AccessOptions {
  readonly dataDir: string
  /** Whether others than this machine can reach the server. */
  readonly isExposed: boolean
  /** Whether a proxy on this machine stands before the server: then it says whose address it is. */
  readonly isProxied?: boolean
  /** Whether pages of other sites may frame ours: then the cookie has to go out from within a frame. */
  readonly isFramed?: boolean
  /** Wall clock, ms since the epoch. */
  readonly nowMs?: () => number
  /** A clock that never goes back, ms. */
  readonly monotonicMs?: () => number
}

/** What comes of an attempt to log in. */
export type LoginResult =
  | { readonly kind: 'in'; readonly cookie: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'wait'; readonly waitS: number }

/** The name of the cookie. */
const SESSION_COOKIE = '__Host-tidemark'

const MAX_NAME_LENGTH = 64
/** Tries at once, and how many more a second (A4). */
const ADDRESS_TRIES = { perSecond: 0.1, burstSeconds: 100 }
const NAME_TRIES = { perSecond: 0.5, burstSeconds: 60 }

export class Access {
  readonly #users: UserDirectory
  readonly #sessions: Sessions
  readonly #isExposed: boolean
  readonly #isProxied: boolean
  readonly #isFramed: boolean
  readonly #addressTries: RateLimiter
  readonly #nameTries: RateLimiter

  /** @throws TidemarkError USERS_UNREADABLE */
  constructor(options: AccessOptions) {
    const { dataDir, isExposed, isProxied = false, isFramed = false, nowMs = Date.now } = options
    const monotonicMs = options.monotonicMs ?? ((): number => performance.now())
    this.#isExposed = isExposed
    this.#isProxied = isProxied
    this.#isFramed = isFramed
    this.#users = new UserDirectory(dataDir, nowMs)
    this.#sessions = new Sessions(nowMs)
    this.#addressTries = new RateLimiter(ADDRESS_TRIES.perSecond, ADDRESS_TRIES.burstSeconds, monotonicMs)
    this.#nameTries = new RateLimiter(NAME_TRIES.perSecond, NAME_TRIES.burstSeconds, monotonicMs)
  }

  /** Whether one has to log in. Throws USERS_UNREADABLE. */
  get isRequired(): boolean {
    return this.#isExposed || !this.#users.isEmpty
  }

  /** Who asks; undefined where they have to log in first. Throws USERS_UNREADABLE. */
  viewerOf(request: IncomingMessage): Viewer | undefined {
    if (!this.isRequired) return ANYBODY
    const token = tokenOf(request)
    const session = token === undefined ? undefined : this.#sessions.find(token)
    const user = session === undefined ? undefined : this.#users.find(session.user)
    if (user === undefined || user.password !== session?.stamp) return undefined
    const { name, role, scope } = user
    return { name, role, scope }
  }

  /** Checks name and password. Throws USERS_UNREADABLE. */
  async logIn(request: IncomingMessage, name: string, password: string): Promise<LoginResult> {
    const address = addressGroup(this.#isProxied ? forwardedFor(request) : request.socket.remoteAddress)
    const user = this.#users.find(name)
    const bucket = name.slice(0, MAX_NAME_LENGTH)
    const waitMs = Math.max(this.#addressTries.waitMs(address), this.#nameTries.waitMs(bucket))
    if (waitMs > 0) return { kind: 'wait', waitS: Math.ceil(waitMs / 1_000) }
    if (isBusy()) return { kind: 'wait', waitS: 1 }
    this.#addressTries.charge(address, 1)
    this.#nameTries.charge(bucket, 1)
    if (password.length > MAX_PASSWORD_LENGTH) return { kind: 'wrong' }
    const isRight = await isPassword(password, user?.password)
    if (!isRight || user === undefined) return { kind: 'wrong' }
    // Who knows the password has not been guessing.
    this.#addressTries.charge(address, -1)
    return { kind: 'in', cookie: this.#cookie(this.#sessions.begin(name, user.password)) }
  }

  /** Ends the session of a request; returns the cookie that removes the one it has. */
  logOut(request: IncomingMessage): string {
    const token = tokenOf(request)
    if (token !== undefined) this.#sessions.end(token)
    return `${this.#cookie('')}; Max-Age=0`
  }

  #cookie(value: string): string {
    const site = this.#isFramed ? 'None; Partitioned' : 'Lax'
    return `${SESSION_COOKIE}=${value}; Path=/; Secure; HttpOnly; SameSite=${site}`
  }
}

/** The last entry is the proxy's own; what a client made up stands before it. */
function forwardedFor({ headers, socket }: IncomingMessage): string | undefined {
  const header = headers['x-forwarded-for']
  const last = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').at(-1)?.trim()
  return last === undefined || last === '' ? socket.remoteAddress : last
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim())
  const found = cookies.find((cookie) => cookie.startsWith(`${SESSION_COOKIE}=`))
  const token = found?.slice(SESSION_COOKIE.length + 1) ?? ''
  return /^[A-Za-z0-9_-]{43}$/.test(token) ? token : undefined
}
