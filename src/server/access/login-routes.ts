/**
 * The routes of logging in and out, and the guard before all others (A1 and A3 of `access.ts`).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isCrossOrigin } from '../ingest/browser-origin.ts'
import type { Access } from './access.ts'
import { LOGIN_STYLE, loginPage, localTarget } from './login-page.ts'
import type { StreamGuard } from './stream-guard.ts'
import { ANYBODY, type Viewer } from './viewer.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. Routes behind the guard may count on it. */
    viewer: Viewer
  }
}

const OPEN_PATHS: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/login',
  '/login/done',
  '/login.css',
  '/logout',
])

/** Raw records, readable or not. */
const ADMIN_ROUTES: ReadonlySet<string> = new Set(['/api/v1/dead-letters', '/api/v1/drill', '/api/v1/samples'])

/** Answers that go on for hours. */
const STREAM_ROUTES: ReadonlySet<string> = new Set(['/api/live', '/api/v1/live', '/api/v1/live/page'])

/** Without `form-action 'self'` the form could not be sent; with `no-referrer` its origin would not be told. */
const LOGIN_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}

const MAX_FORM_BYTES = 16_384
const FOREIGN = { code: 'cross_origin', message: 'A page of another origin may not log anybody in or out.' }

/** Adds guard and routes; left out, everybody may see everything. Before all other routes. */
export function addAccess(app: FastifyInstance, access: Access | undefined, streams: StreamGuard): void {
  app.decorateRequest('viewer')
  app.addHook('onRequest', async (request, reply) => guard(access, streams, request, reply))
  app.get('/api/me', ({ viewer }) => ({ ...viewer, isLoginRequired: access?.isRequired === true }))
  if (access === undefined) return
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, new URLSearchParams(String(body))),
  )
  app.get('/login.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(LOGIN_STYLE))
  app.get<{ Querystring: { to?: unknown } }>('/login', (request, reply) => {
    const target = localTarget(textOf(request.query.to))
    if (access.viewerOf(request.raw) !== undefined) return reply.redirect(target, 303)
    return sendPage(reply, 200, undefined, target)
  })
  app.get<{ Querystring: { to?: unknown } }>('/login/done', (request, reply) => {
    const target = localTarget(textOf(request.query.to))
    if (access.viewerOf(request.raw) !== undefined) return reply.redirect(target, 303)
    return sendPage(reply, 400, 'The browser did not keep the login: it does so over https only.', target)
  })
  app.post('/login', { bodyLimit: MAX_FORM_BYTES }, (request, reply) => logIn(access, request, reply))
  app.post('/logout', (request, reply) => {
    if (isCrossOrigin(request.raw)) return reply.code(403).send(FOREIGN)
    return reply.header('set-cookie', access.logOut(request.raw)).redirect('/login', 303)
  })
}

async function guard(
  access: Access | undefined,
  streams: StreamGuard,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const viewer = access === undefined ? ANYBODY : access.viewerOf(request.raw)
  if (viewer !== undefined) {
    request.viewer = viewer
    const route = request.routeOptions.url ?? ''
    if (STREAM_ROUTES.has(route)) streams.watch(request.raw, reply.raw)
    if (viewer.role === 'admin' || !ADMIN_ROUTES.has(route)) return undefined
    return reply.code(403).send({ code: 'admin_required', message: 'Raw records are for administrators.' })
  }
  if (OPEN_PATHS.has(pathOf(request.url))) return undefined
  const isPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html')
  if (isPage) return reply.redirect(`/login?to=${encodeURIComponent(request.url)}`, 303)
  return reply.code(401).send({ code: 'login_required', message: 'Log in first, at /login.' })
}

async function logIn(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  if (isCrossOrigin(request.raw)) return reply.code(403).send(FOREIGN)
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
  const target = localTarget(form.get('to'))
  const result = await access.logIn(request.raw, form.get('name') ?? '', form.get('password') ?? '')
  if (result.kind === 'wait') {
    const problem = `Too many tries. Try again in ${result.waitS} s.`
    return sendPage(reply.header('retry-after', String(result.waitS)), 429, problem, target)
  }
  if (result.kind === 'wrong') return sendPage(reply, 401, 'Name and password do not fit each other.', target)
  return reply.header('set-cookie', result.cookie).redirect(`/login/done?to=${encodeURIComponent(target)}`, 303)
}

function sendPage(reply: FastifyReply, status: number, problem: string | undefined, target: string): FastifyReply {
  return reply.code(status).headers(LOGIN_HEADERS).type('text/html; charset=utf-8').send(loginPage(problem, target))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
