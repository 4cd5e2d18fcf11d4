/**
 * `/api/v1/…`: views of the tables, and what else a page asks for.
 *
 * R1  Whoever may see a part only gets `forced` filters with every view; what has no dimensions to filter by is refused
 *     to them. What may be seen comes from the server, never from the request.
 * R2  Every error has one form (`error-answer.ts`): 400 for what cannot be asked, 403 for what this asker may not, 503
 *     with what is waited for, 504 where the answer takes too long.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Plan } from '../../pipeline/plan.ts'
import { checkView } from '../../query/check-view.ts'
import { answerLedger, parseLedgerUrl } from '../../query/ledger-view.ts'
import { describePlan } from '../../query/plan-answer.ts'
import type { ViewQuery } from '../../query/view-query.ts'
import { parseViewUrl } from '../../query/view-url.ts'
import type { PageStatus } from '../../runtime/status.ts'
import type { PageFeed } from '../page-feed.ts'
import {
  answered,
  refuseRestricted,
  requireReader,
  routeOptions,
  searchOf,
  type ForcedFilters,
} from './answered-route.ts'
import { deadLetterAnswer, parseLetterUrl } from './dead-letter-answer.ts'
import { freshnessAnswer } from './freshness-answer.ts'
import { interruptionAnswer } from './interruption-answer.ts'
import { addLive } from './live-routes.ts'
import { LiveViews } from './live-views.ts'
import { addRawRoutes, type RawReader } from './raw-routes.ts'
import { readTableState } from './table-state.ts'
import type { ViewReader } from './view-reader.ts'

export interface ViewsOptions {
  readonly plan: Plan
  /** Reads the tables; undefined where there is no PostgreSQL that many can read from at once. */
  readonly reader: ViewReader | undefined
  /** Reads raw events; undefined where no journal is kept here. */
  readonly raw?: RawReader
  /** Filters that hold for whoever sent a request, beside what is asked for: what they may see. */
  readonly forcedFilters?: ForcedFilters
  /** How often open views look for a new epoch, ms. */
  readonly pollMs?: number
}

interface Routes extends ViewsOptions {
  readonly status: () => PageStatus | null
}

/** What answers are made of. */
interface Asked extends Pick<Routes, 'plan' | 'reader' | 'status'> {
  readonly forcedFilters: ForcedFilters
}

/** The routes, and the schemas that describe them. */
const SCHEMA_OF = {
  view: 'view',
  plan: 'plan',
  ledger: 'ledger',
  'dead-letters': 'deadLetters',
  freshness: 'freshness',
  interruptions: 'interruptions',
  'click-lag': 'clickLag',
  drill: 'drill',
  samples: 'samples',
  live: 'live',
  'live/page': 'livePage',
} as const

type RouteName = keyof typeof SCHEMA_OF

/** The longest body of a view: a thousand members of 512 bytes in each of some filters. */
const VIEW_BODY_BYTES = 2 * 1_024 * 1_024

/**
 * Adds the routes.
 *
 * @param feed what pages are told beside their view
 * @returns ends the open views
 */
export function addViewRoutes(app: FastifyInstance, feed: PageFeed, options: Routes | undefined): () => Promise<void> {
  if (options === undefined) return addUnavailable(app)
  const { plan, reader, forcedFilters = () => [], pollMs } = options
  const asked: Asked = { ...options, forcedFilters }
  const live = new LiveViews({
    epoch: () => readEpoch(requireReader(reader), plan),
    ...(pollMs === undefined ? {} : { pollMs }),
  })
  const add = (path: RouteName, answer: Answer): void => {
    app.get(
      `/api/v1/${path}`,
      routeOptions(SCHEMA_OF[path]),
      answered(async (request) => answer(asked, request)),
    )
  }
  add('view', viewOf)
  add('plan', async () => describePlan(plan))
  add('ledger', ledgerOf)
  add('dead-letters', deadLettersOf)
  add('freshness', freshnessOf)
  add('interruptions', interruptionsOf)
  const posted = { ...routeOptions('postedView'), bodyLimit: VIEW_BODY_BYTES }
  app.post(
    '/api/v1/view',
    posted,
    answered(async (request) => viewOf(asked, request)),
  )
  addRawRoutes(app, plan, options.raw, forcedFilters)
  addLive(app, { plan, reader, forcedFilters, live, feed })
  return () => live.close()
}

type Answer = (asked: Asked, request: FastifyRequest) => Promise<unknown>

async function viewOf({ plan, reader, forcedFilters }: Asked, request: FastifyRequest): Promise<unknown> {
  const { query, withSql } = request.method === 'POST' ? fromBody(plan, request) : fromUrl(plan, request.url)
  return requireReader(reader).answer(query, { forced: forcedFilters(request), withSql })
}

async function ledgerOf({ plan, reader, forcedFilters }: Asked, request: FastifyRequest): Promise<unknown> {
  refuseRestricted(forcedFilters(request), 'the ledger')
  const query = parseLedgerUrl(plan, searchOf(request.url))
  return requireReader(reader).read(async (snapshot) =>
    answerLedger({
      plan,
      query,
      run: (text) => snapshot.rows(text),
      state: await readTableState(snapshot, plan),
      nowMs: Date.now(),
    }),
  )
}

async function deadLettersOf({ plan, reader, forcedFilters }: Asked, request: FastifyRequest): Promise<unknown> {
  refuseRestricted(forcedFilters(request), 'dead letters')
  const query = parseLetterUrl(searchOf(request.url))
  return requireReader(reader).read((snapshot) => deadLetterAnswer(snapshot, plan, query))
}

async function freshnessOf(asked: Asked, request: FastifyRequest): Promise<unknown> {
  const { plan, reader, forcedFilters } = asked
  const status = asked.status()
  const isRestricted = forcedFilters(request).length > 0
  if (status?.source === 'engine') return freshnessAnswer(plan, status, isRestricted)
  const state = await requireReader(reader).read((snapshot) => readTableState(snapshot, plan))
  return freshnessAnswer(plan, { ...state, nowMs: Date.now() }, isRestricted)
}

async function interruptionsOf({ plan, reader }: Asked): Promise<unknown> {
  return requireReader(reader).read((snapshot) => interruptionAnswer(snapshot, plan))
}

function fromBody(plan: Plan, request: FastifyRequest): { query: ViewQuery; withSql: boolean } {
  return { query: checkView(plan, request.body), withSql: wantsSql(request.url) }
}

function fromUrl(plan: Plan, url: string): { query: ViewQuery; withSql: boolean } {
  return { query: parseViewUrl(plan, searchOf(url), ['sql']), withSql: wantsSql(url) }
}

function wantsSql(url: string): boolean {
  return new URLSearchParams(searchOf(url)).get('sql') === '1'
}

async function readEpoch(reader: ViewReader, plan: Plan): Promise<number | null> {
  return (await reader.read((snapshot) => readTableState(snapshot, plan))).epoch
}

function addUnavailable(app: FastifyInstance): () => Promise<void> {
  const refused = answered(async () => requireReader(undefined))
  for (const [path, schema] of Object.entries(SCHEMA_OF)) app.get(`/api/v1/${path}`, routeOptions(schema), refused)
  app.post('/api/v1/view', routeOptions('postedView'), refused)
  return async () => undefined
}
