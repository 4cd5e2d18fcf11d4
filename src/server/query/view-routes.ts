/**
 * `/api/v1/…`: views of the tables, and what else a page asks for.
 *
 * R1  Whoever may see a part only gets `forced` filters with every view; what has no dimensions to filter by is refused to
 *     them. What may be seen comes from the server, never from the request.
 * R2  Every error has one form (`error-answer.ts`): 400 for what cannot be asked, 403 for what this asker may not, 503 with
 *     what is waited for, 504 where the answer takes too long.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { PipelineStatus } from '../../runtime/status.ts'
import { checkView } from '../../query/check-view.ts'
import { answerLedger, parseLedgerUrl } from '../../query/ledger-view.ts'
import { choiceAt } from '../../query/raw-value.ts'
import {
  parseDrillUrl,
  parseLagUrl,
  type ClickLagAnswer,
  type ClickLagQuery,
  type DrillAnswer,
  type DrillQuery,
} from '../../query/raw-answer.ts'
import { describePlan } from '../../query/plan-answer.ts'
import type { ViewFilter, ViewQuery } from '../../query/view-query.ts'
import { parseSampleUrl, type SampleAnswer, type SampleQuery } from '../../query/sample-answer.ts'
import { formatViewUrl, parseViewUrl } from '../../query/view-url.ts'
import { API_HEADERS } from '../protection.ts'
import { deadLetterAnswer, parseLetterUrl } from './dead-letter-answer.ts'
import { DRILL_FORMATS, exportedEvents, exportedSamples } from './event-export.ts'
import { errorBody, errorStatus } from './error-answer.ts'
import { freshnessAnswer } from './freshness-answer.ts'
import { interruptionAnswer } from './interruption-answer.ts'
import { LiveViews } from './live-views.ts'
import { readTableState } from './table-state.ts'
import type { ViewReader } from './view-reader.ts'
import { VIEW_SCHEMAS } from './view-schemas.ts'

export interface ViewsOptions {
  readonly plan: Plan
  /** Reads the tables; undefined where there is no PostgreSQL that many can read from at once. */
  readonly reader: ViewReader | undefined
  /** Reads raw events; undefined where no journal is kept here. */
  readonly raw?: RawReader
  /** Filters that hold for whoever sent a request, beside what is asked for: what they may see. */
  readonly forcedFilters?: (request: FastifyRequest) => readonly ViewFilter[]
  /** How often open views look for a new epoch, ms. */
  readonly pollMs?: number
}

/** What a retained journal answers. */
export interface RawReader {
  drill(query: DrillQuery, forced: readonly ViewFilter[]): Promise<DrillAnswer>
  clickLag(query: ClickLagQuery, forced: readonly ViewFilter[]): Promise<ClickLagAnswer>
  samples(query: SampleQuery): Promise<SampleAnswer>
}

interface Routes extends ViewsOptions {
  readonly status: () => PipelineStatus | null
}

/** The longest body of a view: a thousand members of 512 bytes in each of some filters. */
const VIEW_BODY_BYTES = 2 * 1_024 * 1_024

/**
 * Adds the routes.
 *
 * @returns ends the open views
 */
export function addViewRoutes(app: FastifyInstance, options: Routes | undefined): () => Promise<void> {
  if (options === undefined) return addUnavailable(app)
  const { plan, reader, forcedFilters = () => [], pollMs } = options
  const live = new LiveViews({
    epoch: () => readEpoch(requireReader(reader), plan),
    ...(pollMs === undefined ? {} : { pollMs }),
  })
  const answer = handler(async (request) => {
    const { query, withSql } = request.method === 'POST' ? fromBody(plan, request) : fromUrl(plan, request.url)
    return requireReader(reader).answer(query, { forced: forcedFilters(request), withSql })
  })
  app.get('/api/v1/view', routeOptions('view'), answer)
  app.post('/api/v1/view', { ...routeOptions('postedView'), bodyLimit: VIEW_BODY_BYTES }, answer)
  app.get(
    '/api/v1/plan',
    routeOptions('plan'),
    handler(async () => describePlan(plan)),
  )
  app.get(
    '/api/v1/ledger',
    routeOptions('ledger'),
    handler(async (request) => {
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
    }),
  )
  app.get(
    '/api/v1/dead-letters',
    routeOptions('deadLetters'),
    handler(async (request) => {
      refuseRestricted(forcedFilters(request), 'dead letters')
      const query = parseLetterUrl(searchOf(request.url))
      return requireReader(reader).read((snapshot) => deadLetterAnswer(snapshot, plan, query))
    }),
  )
  app.get(
    '/api/v1/freshness',
    routeOptions('freshness'),
    handler(async (request) => {
      const status = options.status()
      const isRestricted = forcedFilters(request).length > 0
      if (status !== null) return freshnessAnswer(plan, status, isRestricted)
      const state = await requireReader(reader).read((snapshot) => readTableState(snapshot, plan))
      return freshnessAnswer(plan, { ...state, nowMs: Date.now() }, isRestricted)
    }),
  )
  app.get(
    '/api/v1/interruptions',
    routeOptions('interruptions'),
    handler(async () => requireReader(reader).read((snapshot) => interruptionAnswer(snapshot, plan))),
  )
  addRaw(app, plan, options.raw, forcedFilters)
  addLive(app, { plan, reader, forcedFilters, live })
  return () => live.close()
}

function addRaw(
  app: FastifyInstance,
  plan: Plan,
  raw: RawReader | undefined,
  forcedFilters: Required<ViewsOptions>['forcedFilters'],
): void {
  const requireRaw = (): RawReader => {
    if (raw !== undefined) return raw
    throw new TidemarkError('JOURNAL_MISSING', 'Raw events are kept where the pipeline runs, and that is not here.', {
      fix: 'ask the instance that runs on the data folder',
    })
  }
  app.get(
    '/api/v1/click-lag',
    routeOptions('clickLag'),
    handler(async (request) => requireRaw().clickLag(parseLagUrl(plan, searchOf(request.url)), forcedFilters(request))),
  )
  app.get('/api/v1/drill', routeOptions('drill'), async (request, reply) => {
    try {
      const search = searchOf(request.url)
      const query = parseDrillUrl(plan, search)
      const format = formatOf(search)
      const answer = await requireRaw().drill(query, forcedFilters(request))
      if (format === 'json') return answer
      return await sendFile(reply, 'events', format, exportedEvents(plan, answer.events, format))
    } catch (error) {
      return refuse(reply, error)
    }
  })
  app.get('/api/v1/samples', routeOptions('samples'), async (request, reply) => {
    try {
      refuseRestricted(forcedFilters(request), 'events that are not counted')
      const search = searchOf(request.url)
      const query = parseSampleUrl(search)
      const format = formatOf(search)
      const answer = await requireRaw().samples(query)
      if (format === 'json') return answer
      return await sendFile(reply, `${query.class}-events`, format, exportedSamples(answer.samples, format))
    } catch (error) {
      return refuse(reply, error)
    }
  })
}

function formatOf(search: string): (typeof DRILL_FORMATS)[number] {
  return choiceAt('format', new URLSearchParams(search).get('format') ?? 'json', DRILL_FORMATS)
}

function sendFile(
  reply: FastifyReply,
  name: string,
  format: string,
  { type, text }: { readonly type: string; readonly text: string },
): FastifyReply {
  return reply
    .type(type)
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .serializer((body) => String(body))
    .send(text)
}

interface LiveRoute extends Required<Pick<ViewsOptions, 'plan' | 'forcedFilters'>> {
  readonly reader: ViewReader | undefined
  readonly live: LiveViews
}

function addLive(app: FastifyInstance, { plan, reader, forcedFilters, live }: LiveRoute): void {
  app.get('/api/v1/live', routeOptions('live'), async (request, reply) => {
    const prepared = await prepare(request).catch((error: unknown) => ({ error }))
    if ('error' in prepared) return refuse(reply, prepared.error)
    // From here on nobody but the stream answers: whatever can fail came before.
    reply.hijack()
    const page = { request: request.raw, response: reply.raw, headers: API_HEADERS, lastId: lastIdOf(request) }
    live.attach(prepared.key, page)
    return reply
  })

  async function prepare(request: FastifyRequest): Promise<{ readonly key: string }> {
    if (live.isFull)
      throw new TidemarkError('DATABASE_BUSY', 'Too many pages are open.', { retryable: true, fix: 'close one' })
    const query = parseViewUrl(plan, searchOf(request.url), ['after'])
    const forced = forcedFilters(request)
    const key = JSON.stringify([formatViewUrl(plan, query), forced])
    await live.prepare(key, () => requireReader(reader).answer(query, { forced }))
    return { key }
  }
}

function lastIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id']
  if (typeof header === 'string') return header
  return new URLSearchParams(searchOf(request.url)).get('after') ?? undefined
}

function handler(
  work: (request: FastifyRequest) => Promise<unknown>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      return await work(request)
    } catch (error) {
      return refuse(reply, error)
    }
  }
}

// The schemas describe; what may be asked depends on the plan.
function routeOptions(name: keyof typeof VIEW_SCHEMAS): RouteShorthandOptions {
  return { schema: VIEW_SCHEMAS[name], validatorCompiler: () => () => true }
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  const status = errorStatus(error)
  if (status === 503) void reply.header('retry-after', '2')
  return reply.code(status).send(errorBody(error))
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

// Of the URL itself: fastify's own parsing would take `+`, lists and encodings its own way.
function searchOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

async function readEpoch(reader: ViewReader, plan: Plan): Promise<number | null> {
  return (await reader.read((snapshot) => readTableState(snapshot, plan))).epoch
}

function requireReader(reader: ViewReader | undefined): ViewReader {
  if (reader !== undefined) return reader
  throw new TidemarkError(
    'DATABASE_UNAVAILABLE',
    'Views are answered by a PostgreSQL server, and there is none here.',
    {
      retryable: false,
      fix: 'start it with --database-url, or install PostgreSQL',
    },
  )
}

function refuseRestricted(forced: readonly ViewFilter[], what: string): void {
  if (forced.length === 0) return
  throw new TidemarkError(
    'VIEW_FORBIDDEN',
    `You may see a part of the events only, and ${what} cannot be told apart.`,
    {
      fix: 'ask an administrator',
    },
  )
}

function addUnavailable(app: FastifyInstance): () => Promise<void> {
  const refused = handler(async () => requireReader(undefined))
  app.get('/api/v1/view', routeOptions('view'), refused)
  app.post('/api/v1/view', routeOptions('postedView'), refused)
  app.get('/api/v1/plan', routeOptions('plan'), refused)
  app.get('/api/v1/ledger', routeOptions('ledger'), refused)
  app.get('/api/v1/dead-letters', routeOptions('deadLetters'), refused)
  app.get('/api/v1/freshness', routeOptions('freshness'), refused)
  app.get('/api/v1/interruptions', routeOptions('interruptions'), refused)
  app.get('/api/v1/click-lag', routeOptions('clickLag'), refused)
  app.get('/api/v1/drill', routeOptions('drill'), refused)
  app.get('/api/v1/samples', routeOptions('samples'), refused)
  app.get('/api/v1/live', routeOptions('live'), refused)
  return async () => undefined
}
