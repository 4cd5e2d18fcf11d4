/**
 * Who may look, by the invariants of `access.ts` (A1 to A4), `sessions.ts` (S2) and `viewer.ts` (V1).
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Access } from '../../src/server/access/access.ts'
import { localTarget, loginPage } from '../../src/server/access/login-page.ts'
import { openAccess } from '../../src/server/access/open-access.ts'
import { Sessions } from '../../src/server/access/sessions.ts'
import { firstPasswordPath, keepUser, removeUser } from '../../src/server/access/user-store.ts'
import type { ScopeFilter } from '../../src/server/access/viewer.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { startServer, type RunningServer } from '../../src/server/start-server.ts'
import { adPlan } from '../support/engine-rig.ts'
import { eventually } from '../support/eventually.ts'
import { NOON_MS, pageChanges } from '../support/page-changes.ts'
import { healthyStatus, partition, streamLedger } from '../support/pipeline-status.ts'
import { afterwards } from '../support/afterwards.ts'

const PASSWORD = 'correct horse battery'
const ONLY_SPRING: readonly ScopeFilter[] = [{ dimension: 'campaign_id', mode: 'include', members: ['spring'] }]

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-access-'))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Rig {
  readonly dataDir: string
  readonly server: RunningServer
  /** Wall clock of sessions and of the look at users. */
  nowMs: number
  ask(path: string, options?: RequestInit & { readonly cookie?: string }): Promise<Response>
  /** Logs in; gives the cookie. */
  logIn(name: string, password?: string): Promise<string>
}

const SECRET = 'winter-secret'

async function start(
  context: TestContext,
  changed: { isExposed?: boolean; frameAncestors?: string[] } = {},
): Promise<Rig> {
  const dataDir = newFolder(context)
  await keepUser(dataDir, { name: 'ada', role: 'admin', scope: [] }, PASSWORD, NOON_MS)
  await keepUser(dataDir, { name: 'victor', role: 'viewer', scope: ONLY_SPRING }, PASSWORD, NOON_MS)
  const liveView = new LiveView(adPlan())
  liveView.apply(pageChanges([{ minute: -1, campaign: SECRET, impressions: 43_219_876, clicks: 31_415_926 }]))
  const { isExposed = true, frameAncestors = [] } = changed
  const rig = { nowMs: NOON_MS }
  const server = await startServer({
    liveView,
    status: () =>
      healthyStatus({
        partitions: [partition({ name: `file/${SECRET}`, eventsRead: 98_765_432 })],
        eventsPerSecond: 7_654.5,
        ledger: { impressions: streamLedger({ counted: 98_765_432 }), clicks: streamLedger({ counted: 65_432_109 }) },
      }),
    access: new Access({
      dataDir,
      isExposed,
      isFramed: frameAncestors.length > 0,
      nowMs: () => rig.nowMs,
      monotonicMs: () => 0,
    }),
    frameAncestors,
    views: { plan: adPlan(), reader: undefined },
    port: 0,
    patchIntervalMs: 20,
  })
  afterwards(context, () => server.close())
  const ask: Rig['ask'] = (path, { cookie, headers, ...options } = {}) =>
    fetch(`http://localhost:${server.port}${path}`, {
      redirect: 'manual',
      headers: { ...(headers as Record<string, string>), ...(cookie === undefined ? {} : { cookie }) },
      ...options,
    })
  const logIn = async (name: string, password = PASSWORD): Promise<string> => {
    const body = new URLSearchParams({ name, password, to: '/?range=1h' })
    const response = await ask('/login', { method: 'POST', body })
    return response.headers.get('set-cookie')?.split(';')[0] ?? ''
  }
  return Object.assign(rig, { dataDir, server, ask, logIn })
}

describe('access', () => {
  it('A1: without a session there is the login page, and nothing else', async (context) => {
    const { ask } = await start(context)
    for (const path of [
      '/api/page',
      '/api/live',
      '/api/v1/view',
      '/api/v1/live',
      '/api/v1/live/page',
      '/api/me',
      '/openapi.json',
      '/assets/x.js',
      '/nothing',
      '/API/PAGE',
      '//api/page',
    ]) {
      const response = await ask(path)
      assert.equal(response.status, 401, path)
      assert.doesNotMatch(await response.text(), /secret|impressions/i)
    }
    const page = await ask('/?range=1h&x=%2F', { headers: { accept: 'text/html' } })
    assert.deepEqual([page.status, page.headers.get('location')], [303, '/login?to=%2F%3Frange%3D1h%26x%3D%252F'])
    for (const path of ['/healthz', '/login', '/login.css']) assert.equal((await ask(path)).status, 200, path)
    const forged = await ask('/api/page', { cookie: `__Host-tidemark=${'A'.repeat(43)}` })
    assert.equal(forged.status, 401)
  })

  it('logs in, comes back to where one was, and logs out', async (context) => {
    const { ask } = await start(context)
    const body = new URLSearchParams({ name: 'ada', password: PASSWORD, to: '/?range=1h' })
    const response = await ask('/login', { method: 'POST', body })
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), '/login/done?to=%2F%3Frange%3D1h')
    const [cookie = '', ...attributes] = (response.headers.get('set-cookie') ?? '').split('; ')
    assert.match(cookie, /^__Host-tidemark=[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(attributes, ['Path=/', 'Secure', 'HttpOnly', 'SameSite=Lax'])
    assert.equal((await ask('/login/done?to=%2F%3Frange%3D1h', { cookie })).headers.get('location'), '/?range=1h')
    assert.equal((await ask('/login/done')).status, 400, 'a browser that kept no cookie is told why')
    const me: unknown = await (await ask('/api/me', { cookie: `other=1; ${cookie}` })).json()
    assert.deepEqual(me, { name: 'ada', role: 'admin', scope: [], isLoginRequired: true })
    assert.match(await (await ask('/api/page', { cookie })).text(), new RegExp(SECRET))
    const out = await ask('/logout', { method: 'POST', cookie })
    assert.match(out.headers.get('set-cookie') ?? '', /Max-Age=0/)
    assert.equal((await ask('/api/page', { cookie })).status, 401)
  })

  it('A3: a foreign page logs nobody in or out', async (context) => {
    const { ask, logIn } = await start(context)
    const cookie = await logIn('ada')
    const body = new URLSearchParams({ name: 'ada', password: PASSWORD })
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ]) {
      assert.equal((await ask('/login', { method: 'POST', body, headers })).status, 403)
      assert.equal((await ask('/logout', { method: 'POST', cookie, headers })).status, 403)
    }
    assert.equal((await ask('/api/me', { cookie })).status, 200, 'control: still in')
  })

  it('A4: name and password fail alike, and guessing comes to a wait', async (context) => {
    const { ask } = await start(context)
    const attempt = async (name: string): Promise<readonly [number, string]> => {
      const response = await ask('/login', { method: 'POST', body: new URLSearchParams({ name, password: 'guess' }) })
      return [response.status, await response.text()]
    }
    assert.deepEqual(await attempt('ada'), await attempt('nobody'))
    const statuses: number[] = []
    for (let i = 0; i < 10; i++) statuses.push((await attempt(`name${i}`))[0])
    assert.equal(statuses.at(-1), 429)
    const right = new URLSearchParams({ name: 'ada', password: PASSWORD })
    const blocked = await ask('/login', { method: 'POST', body: right })
    assert.equal(blocked.status, 429, 'while one has to wait a right password says nothing')
    assert.ok(Number(blocked.headers.get('retry-after')) >= 1)
  })

  it('S2: who is removed or changed is out, and so are their open streams', async (context) => {
    const rig = await start(context)
    const cookie = await rig.logIn('ada')
    const victor = await rig.logIn('victor')
    const stream = await rig.ask('/api/live', { cookie })
    const reader = stream.body?.getReader()
    assert.ok(reader !== undefined)
    assert.match(Buffer.from((await reader.read()).value ?? []).toString(), /snapshot/)
    assert.equal(removeUser(rig.dataDir, 'ada'), true)
    await keepUser(rig.dataDir, { name: 'victor', role: 'viewer', scope: ONLY_SPRING }, 'another password', NOON_MS)
    rig.nowMs += 1_500
    assert.equal((await rig.ask('/api/me', { cookie })).status, 401)
    assert.equal((await rig.ask('/api/me', { cookie: victor })).status, 401)
    await eventually('the stream ends', async () => {
      return (await reader.read().catch(() => ({ done: true }))).done === true
    })
  })

  it('V1, H3 of start-server, F1 of limited-feed, and F1 of page-feed: who is limited is told no number and no name of others, at once and later', async (context) => {
    const { ask, logIn, server } = await start(context)
    const victor = await logIn('victor')
    const ada = await logIn('ada')
    const leaks = /winter|43219876|31415926|98765432|65432109|7654\.5|file\//
    const whole = await (await ask('/api/page', { cookie: ada })).text()
    assert.match(whole, leaks, 'control: an admin is told')
    const page = await (await ask('/api/page', { cookie: victor })).text()
    const read = async (cookie: string): Promise<string> => {
      const leaving = new AbortController()
      const response = await ask('/api/live', { cookie, signal: leaving.signal })
      let text = ''
      const reader = response.body?.getReader()
      while (text.split('event: patch').length < 4) {
        server.flush()
        text += Buffer.from((await reader?.read())?.value ?? []).toString()
      }
      leaving.abort()
      return text
    }
    assert.match(await read(ada), leaks, 'control')
    const stream = await read(victor)
    for (const text of [page, stream]) assert.doesNotMatch(text, leaks)
    assert.match(stream, /"watermarkMs":\d/, 'how fresh the tables are is told')
    const me: unknown = await (await ask('/api/me', { cookie: victor })).json()
    assert.deepEqual(me, { name: 'victor', role: 'viewer', scope: ONLY_SPRING, isLoginRequired: true })
  })

  it('V1: the query API is given what one may see; raw records are for administrators', async (context) => {
    const rig = await start(context)
    await keepUser(rig.dataDir, { name: 'vera', role: 'viewer', scope: [] }, PASSWORD, NOON_MS)
    rig.nowMs += 1_500
    const statusOf = async (name: string, path: string): Promise<readonly [number, string]> => {
      const response = await rig.ask(path, { cookie: await rig.logIn(name) })
      return [response.status, /"code":"(\w+)"/.exec(await response.text())?.[1] ?? '']
    }
    assert.deepEqual(await statusOf('victor', '/api/v1/ledger'), [403, 'VIEW_FORBIDDEN'])
    assert.deepEqual(await statusOf('vera', '/api/v1/ledger'), [503, 'DATABASE_UNAVAILABLE'], 'control')
    const drill = '/api/v1/drill?window=2026-01-01T00:00:00Z'
    const samples = '/api/v1/samples?class=late'
    for (const name of ['victor', 'vera'])
      for (const path of ['/api/v1/dead-letters', drill, samples])
        assert.deepEqual(await statusOf(name, path), [403, 'admin_required'], `${name} ${path}`)
    assert.deepEqual(await statusOf('ada', '/api/v1/dead-letters'), [503, 'DATABASE_UNAVAILABLE'], 'control')
    for (const path of [drill, samples])
      assert.deepEqual(await statusOf('ada', path), [503, 'JOURNAL_MISSING'], 'control')
  })

  it('on this machine everybody may look until there is a user; elsewhere the first admin is made', async (context) => {
    const dataDir = newFolder(context)
    const told: string[] = []
    const onFirstAdmin = (lines: readonly string[]): void => void told.push(...lines)
    const local = await openAccess({ dataDir, host: '127.0.0.1', onFirstAdmin })
    assert.deepEqual([local.isRequired, told.length], [false, 0])
    const proxied = { dataDir, host: '127.0.0.1', publicUrl: new URL('https://ads.example'), onFirstAdmin }
    assert.equal((await openAccess(proxied)).isRequired, true)
    assert.equal(told.length, 2)
    const path = firstPasswordPath(dataDir)
    const password = readFileSync(path, 'utf8').trim()
    assert.ok(told[0]?.includes(password))
    assert.ok(password.length >= 20)
    await openAccess({ ...proxied, host: '0.0.0.0' })
    assert.equal(told.length, 2, 'once')
    const files = readdirSync(join(dataDir, 'users'))
    assert.deepEqual(files.toSorted(), ['admin-password', 'admin.json'])
    for (const name of files) assert.equal(statSync(join(dataDir, 'users', name)).mode & 0o077, 0, name)
    assert.doesNotMatch(readFileSync(join(dataDir, 'users', 'admin.json'), 'utf8'), new RegExp(password))
  })

  it('frames: nobody may, but the origins that were named; then the cookie goes out from frames', async (context) => {
    const { ask } = await start(context)
    const policy = async (rig: Pick<Rig, 'ask'>): Promise<string> =>
      (await rig.ask('/healthz')).headers.get('content-security-policy') ?? ''
    assert.match(await policy({ ask }), /frame-ancestors 'none'/)
    assert.doesNotMatch(await policy({ ask }), /unsafe-inline/)
    const framed = await start(context, { frameAncestors: ['https://intranet.example'] })
    assert.match(await policy(framed), /frame-ancestors https:\/\/intranet\.example$/)
    const body = new URLSearchParams({ name: 'ada', password: PASSWORD })
    const login = await framed.ask('/login', { method: 'POST', body })
    assert.match(login.headers.get('set-cookie') ?? '', /SameSite=None; Partitioned$/)
  })
})

describe('the login page', () => {
  it('goes on to paths of this server only, and holds what it is given as text', () => {
    for (const text of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '',
      null,
      '/a\nb',
      '/login?to=/login',
    ])
      assert.equal(localTarget(text), '/', String(text))
    assert.equal(localTarget('/?a=b#c'), '/?a=b#c')
    const page = loginPage('<b>', '/?"><script>alert(1)</script>')
    assert.doesNotMatch(page, /<script|<b>|style=/)
  })
})

describe('sessions', () => {
  it('S2, S3: end after a time without a request, after a week in any case, and are bounded', () => {
    let nowMs = NOON_MS
    const sessions = new Sessions(() => nowMs)
    const idle = sessions.begin('ada', 's')
    const used = sessions.begin('ada', 's')
    for (let hour = 0; hour < 13; hour++) {
      nowMs += 3_600_000
      assert.ok(sessions.find(used) !== undefined)
    }
    assert.equal(sessions.find(idle), undefined)
    for (let hour = 0; hour < 24 * 7; hour++) {
      nowMs += 3_600_000
      sessions.find(used)
    }
    assert.equal(sessions.find(used), undefined)
    for (let i = 0; i < 100; i++) sessions.begin('ada', 's')
    assert.equal(sessions.size, 32)
  })
})
