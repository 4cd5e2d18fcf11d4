/**
 * A signed-in session with Superset's REST interface.
 *
 * Q1  Every answer that is no success, or not in Superset's language, becomes an error that says what was said.
 * Q2  What changes something carries the token against forgery, its cookie, and the page it claims to come from.
 */
import { TidemarkError } from '../../errors.ts'
import { MINUTE_MS } from '../../time/units.ts'

const TIMEOUT_MS = MINUTE_MS

/** Who signs in, and where. */
export interface SupersetLogin {
  /** Such as `http://127.0.0.1:8088`. */
  readonly url: string
  readonly username: string
  readonly password: string
}

/** The interface as a signed-in user. */
export class SupersetSession {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>

  /** Use {@link SupersetSession.open}. */
  private constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#url = url
    this.#headers = headers
  }

  /** @throws TidemarkError SUPERSET_UNAVAILABLE, SUPERSET_REFUSED */
  static async open({ url, username, password }: SupersetLogin): Promise<SupersetSession> {
    const login = await call(url, '/api/v1/security/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password, provider: 'db', refresh: false }),
    })
    const { access_token: token } = (await jsonOf(login)) as { readonly access_token: string }
    const bearer = { Authorization: `Bearer ${token}` }
    const guard = await call(url, '/api/v1/security/csrf_token/', { headers: bearer })
    const { result: forgeryToken } = (await jsonOf(guard)) as { readonly result: string }
    const cookies = guard.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
    return new SupersetSession(url, {
      ...bearer,
      'X-CSRFToken': forgeryToken,
      Cookie: cookies.join('; '),
      Referer: `${url}/`,
    })
  }

  /** What a path answers. */
  async get(path: string): Promise<unknown> {
    return jsonOf(await call(this.#url, path, { headers: this.#headers }))
  }

  /** Sends fields, some of which may be files. */
  async post(path: string, body: FormData): Promise<unknown> {
    return jsonOf(await call(this.#url, path, { method: 'POST', headers: this.#headers, body }))
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (cause) {
    const { origin, pathname } = new URL(response.url)
    throw new TidemarkError('SUPERSET_REFUSED', `${origin} answered ${pathname} with no JSON: ${text.slice(0, 200)}`, {
      where: origin,
      fix: 'Give the address of Superset itself: --url http://127.0.0.1:8088',
      cause,
    })
  }
}

async function call(url: string, path: string, request: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url + path, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
    throw new TidemarkError('SUPERSET_UNAVAILABLE', `Superset at ${url} does not answer: ${reason}`, {
      where: url,
      fix: './tidemark stack up --only superset',
      retryable: true,
      cause,
    })
  }
  if (response.ok) return response
  const said = (await response.text()).slice(0, 2_000)
  const isLogin = response.status === 401 || response.status === 403
  throw new TidemarkError('SUPERSET_REFUSED', `Superset answered ${response.status} to ${path}: ${said}`, {
    where: url,
    fix: isLogin
      ? 'Give the user and password of an administrator: --username, --password-file'
      : './tidemark stack logs superset',
  })
}
