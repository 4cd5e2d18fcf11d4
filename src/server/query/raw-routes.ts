/**
 * `/api/v1/click-lag`, `drill` and `samples`: what a retained journal answers.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import {
  parseDrillUrl,
  parseLagUrl,
  type ClickLagAnswer,
  type ClickLagQuery,
  type DrillAnswer,
  type DrillQuery,
} from '../../query/raw-answer.ts'
import { choiceAt } from '../../query/raw-value.ts'
import { parseSampleUrl, type SampleAnswer, type SampleQuery } from '../../query/sample-answer.ts'
import type { ViewFilter } from '../../query/view-query.ts'
import { answered, refuse, refuseRestricted, routeOptions, searchOf, type ForcedFilters } from './answered-route.ts'
import { DRILL_FORMATS, exportedEvents, exportedSamples } from './event-export.ts'

/** What a retained journal answers. */
export interface RawReader {
  drill(query: DrillQuery, forced: readonly ViewFilter[]): Promise<DrillAnswer>
  clickLag(query: ClickLagQuery, forced: readonly ViewFilter[]): Promise<ClickLagAnswer>
  samples(query: SampleQuery): Promise<SampleAnswer>
}

/** Adds the routes. */
export function addRawRoutes(
  app: FastifyInstance,
  plan: Plan,
  raw: RawReader | undefined,
  forcedFilters: ForcedFilters,
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
    answered(async (request) =>
      requireRaw().clickLag(parseLagUrl(plan, searchOf(request.url)), forcedFilters(request)),
    ),
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
