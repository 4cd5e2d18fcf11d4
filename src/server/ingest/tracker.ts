/**
 * Pixels and click links: how pages report without a program of their own.
 *
 * P1  Like any event, one of these is on disk before it is answered.
 * P2  A click whose target is not allowed is refused before anything of it is written.
 * P3  What a page shows does not depend on whether its event was malformed: image and redirect come all the same, and a
 *     header says what was wrong.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import type { Intake } from '../../runtime/ports.ts'
import { answerWith } from './answer.ts'
import { isCrossSite } from './browser-origin.ts'
import type { Gate } from './gate.ts'
import type { Judge } from './judge.ts'
import type { RedirectTargets } from './redirect-targets.ts'
import { Refusal } from './refusal.ts'
import { trackedEvent } from './tracked-event.ts'

export interface TrackerParts {
  readonly plan: Plan
  readonly gate: Gate
  readonly judge: Judge
  readonly intake: Intake
  readonly targets: RedirectTargets
  /** Wall clock, ms since the epoch. */
  readonly nowMs: () => number
}

/** One transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export class Tracker {
  readonly #parts: TrackerParts

  constructor(parts: TrackerParts) {
    this.#parts = parts
  }

  /** Takes the impression of a pixel and answers with the image. */
  async pixel(request: IncomingMessage, response: ServerResponse): Promise<Refusal | undefined> {
    const query = queryOf(request)
    const rejected = await this.#take(request, 'impressions', query)
    if (rejected instanceof Refusal) return rejected
    // An image from elsewhere is the point of it.
    const headers = ['content-type', 'image/gif', 'cross-origin-resource-policy', 'cross-origin']
    answerWith(response, 200, [...headers, ...rejected], PIXEL)
    return undefined
  }

  /** Takes a click and sends it on to its target; without a target the answer is empty. */
  async click(request: IncomingMessage, response: ServerResponse): Promise<Refusal | undefined> {
    const query = queryOf(request)
    const target = query.get('to')
    const location = target === null ? null : this.#parts.targets.resolve(target, query.get('sig') ?? undefined)
    if (location === undefined) return targetNotAllowed()
    const rejected = await this.#take(request, 'clicks', query)
    if (rejected instanceof Refusal) return rejected
    if (location === null) answerWith(response, 204, rejected, undefined)
    else answerWith(response, 302, ['location', location, ...rejected], undefined)
    return undefined
  }

  /** Takes the event; gives a header that says why it is malformed, if it is. */
  async #take(
    request: IncomingMessage,
    stream: StreamName,
    query: URLSearchParams,
  ): Promise<readonly string[] | Refusal> {
    const { plan, gate, judge, intake, nowMs } = this.#parts
    const queryKey = query.get('key') ?? undefined
    const wish = { stream, isForeign: isCrossSite(request), ...(queryKey === undefined ? {} : { queryKey }) }
    const sender = gate.enter(request, wish)
    if (sender instanceof Refusal) return sender
    gate.charge(sender, 1)
    const line = trackedEvent(plan, stream, query, { nowMs: nowMs(), newId: randomUUID })
    const verdict = await judge.judge(stream, line, 1)
    await intake.append(stream, line, 1)
    const [bad] = verdict?.rejected ?? []
    return bad === undefined ? [] : ['tidemark-rejected', [bad.reason, bad.field].filter(Boolean).join(' ')]
  }
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}

function targetNotAllowed(): Refusal {
  return new Refusal(
    'target_not_allowed',
    'Clicks are not sent on to this address: its host is not listed, and it is not signed. The click was not taken.',
  )
}
