/**
 * Events over HTTP: requests become lines of the journal.
 *
 * N1  200 is sent only after every event it speaks of is durable; malformed ones too, so that they end in the ledger.
 * N2  A request is taken whole or not at all: whatever is refused left nothing behind.
 * N3  What is in memory is bounded in bytes: a request that would go over is refused with 503 before it is kept.
 * N4  A repeated delivery is taken again; ids make it harmless.
 * N5  While memory or disk is full, or the brokers are away, whoever comes waits unread for `HOLD_MS` until being told
 *     so. Told at once, thousands who come again at once would keep the event loop from what ends that: counting and
 *     the clock. What passes in a moment, a queue that is full, is told at once.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import type { Intake } from '../../runtime/ports.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { answerCounts, refuse } from './answer.ts'
import { isCrossOrigin } from './browser-origin.ts'
import { BodyPool } from './body-pool.ts'
import { ByteBudget, ByteLease } from './byte-budget.ts'
import { Gate, type Sender } from './gate.ts'
import { holdUnread } from './hold-unread.ts'
import { encodingOf, Inflater, type BodyEncoding } from './inflate.ts'
import { Judge, type Verdict } from './judge.ts'
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from './limits.ts'
import { mediaKindOf, type MediaKind } from './media-kind.ts'
import { ingestPaths } from './openapi-paths.ts'
import { bodyTooLarge, receiveBody, tooBusy } from './receive-body.ts'
import { RedirectTargets } from './redirect-targets.ts'
import { Refusal } from './refusal.ts'
import { toLines } from './to-lines.ts'
import { Tracker } from './tracker.ts'
import { Turns } from './turns.ts'

/** What a request costs in memory beside its body, about. */
const REQUEST_BYTES = 2_048

export interface HttpIngestOptions {
  readonly plan: Plan
  readonly intake: Intake
  readonly limits?: Partial<IngestLimits>
  /** Who may send; left out, there are no keys. */
  readonly keys?: KeyRing
  /** Where clicks may be sent on to; left out, nowhere. */
  readonly targets?: RedirectTargets
  /** Wall clock, ms since the epoch. */
  readonly nowMs?: () => number
  /** A clock that never goes back, for rates; ms. */
  readonly monotonicMs?: () => number
  /** Told what went wrong on our side. */
  readonly onError?: (error: unknown) => void
}

/** What is there at once mostly, and then costs no turn. */
type MaybeLater<T> = T | Promise<T>

/** A request that was let in, before its body is read. */
interface Admitted {
  readonly stream: StreamName
  readonly kind: MediaKind
  readonly encoding: BodyEncoding
  readonly sender: Sender
}

const STREAM_OF_PATH: ReadonlyMap<string, StreamName> = new Map([
  ['/v1/impressions', 'impressions'],
  ['/v1/clicks', 'clicks'],
])

export class HttpIngest {
  readonly limits: IngestLimits
  readonly #plan: Plan
  readonly #intake: Intake
  readonly #judge: Judge
  readonly #inflater: Inflater
  readonly #budget: ByteBudget
  readonly #pool = new BodyPool()
  readonly #turns: Turns
  readonly #gate: Gate
  readonly #tracker: Tracker
  readonly #onError: (error: unknown) => void
  /** Requests whose answer is still to come. */
  #underWay = 0
  #onIdle = (): void => undefined
  #isClosing = false

  constructor(options: HttpIngestOptions) {
    const { plan, intake, limits, monotonicMs = (): number => performance.now(), nowMs = Date.now, onError } = options
    const { targets = new RedirectTargets({}) } = options
    this.limits = { ...DEFAULT_INGEST_LIMITS, ...limits }
    this.#plan = plan
    this.#intake = intake
    this.#judge = new Judge(plan)
    this.#inflater = new Inflater(this.limits)
    this.#budget = new ByteBudget(this.limits.maxBytesInFlight)
    this.#turns = new Turns(this.#budget)
    this.#gate = new Gate(this.limits, options.keys, monotonicMs)
    this.#tracker = new Tracker({ plan, intake, gate: this.#gate, judge: this.#judge, targets, nowMs })
    this.#onError = onError ?? ((): void => undefined)
  }

  /** Bytes of requests in flight. */
  get bytesInFlight(): number {
    return this.#budget.heldBytes
  }

  /**
   * Says where the server is about to listen.
   *
   * @throws TidemarkError KEY_REQUIRED where others than this machine could send and there is no key
   */
  expose(host: string): void {
    this.#gate.expose(host)
  }

  /** Its paths, for `/openapi.json`. */
  describe(): Readonly<Record<string, unknown>> {
    return ingestPaths(this.#plan, this.limits)
  }

  /** Whether requests to this path are the ingest's. */
  takes(path: string): boolean {
    return path.startsWith('/v1/')
  }

  /** Answers a request whose path the ingest takes. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#underWay++
    void this.#serve(request, response).finally(() => {
      if (--this.#underWay === 0) this.#onIdle()
    })
  }

  /** Takes no more requests, and resolves once those under way are answered, or after `withinMs`. */
  async drain(withinMs: number): Promise<void> {
    this.#isClosing = true
    if (this.#underWay === 0) return
    const idle = new AbortController()
    this.#onIdle = (): void => idle.abort()
    await delay(withinMs, undefined, { signal: idle.signal }).catch(() => undefined)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const lease = new ByteLease(this.#budget)
    try {
      const refusal = await this.#answer(request, response, lease)
      if (refusal !== undefined) await this.#refuse(request, response, refusal, lease)
    } catch (error) {
      await this.#refuse(request, response, this.#refusalOf(error), lease)
    }
    // What an answer still holds is let go once it is read, or never will be.
    if (response.closed) lease.release()
    else response.on('close', () => lease.release())
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal, lease: ByteLease): Promise<void> {
    if (refusal.isLasting && !this.#isClosing) {
      // Nothing of it is kept: who waits takes no room from others.
      lease.release()
      await holdUnread(request, HOLD_MS)
    }
    refuse(request, response, refusal)
  }

  /** Answers, or says why not; neither where the client left. */
  #answer(request: IncomingMessage, response: ServerResponse, lease: ByteLease): MaybeLater<Refusal | undefined> {
    if (!lease.tryTake(REQUEST_BYTES)) return tooBusy()
    const path = pathOf(request)
    const isTracked = path === '/v1/pixel.gif' || path === '/v1/click'
    if (!isTracked) return this.#take(request, response, lease, path)
    if (request.method !== 'GET') return new Refusal('method_not_allowed', `${path} takes GET.`)
    if (!this.#isOpen) return this.#whyClosed()
    return path === '/v1/click' ? this.#tracker.click(request, response) : this.#tracker.pixel(request, response)
  }

  #whyClosed(): Refusal {
    const { closedBy } = this.#intake
    return closedBy === undefined ? notReady(false) : this.#refusalOf(closedBy)
  }

  get #isOpen(): boolean {
    return !this.#isClosing && this.#intake.isOpen
  }

  async #take(
    request: IncomingMessage,
    response: ServerResponse,
    lease: ByteLease,
    path: string,
  ): Promise<Refusal | undefined> {
    const admitted = this.#admit(request, path)
    if (admitted instanceof Refusal) return admitted
    if (request.headers.expect !== undefined) response.writeContinue()
    const room = admitted.encoding === 'identity' ? 1 : 0
    const { maxBodyBytes: maxBytes } = this.limits
    const received = await receiveBody(request, { lease, pool: this.#pool, turns: this.#turns, maxBytes, room })
    if (received === undefined || received instanceof Refusal) return received
    try {
      const reading = this.#read(received, lease, admitted)
      const verdict = reading instanceof Promise ? await reading : reading
      if (verdict instanceof Refusal) return verdict
      const { recordCount, rejected, lines } = verdict
      this.#gate.charge(admitted.sender, recordCount)
      if (recordCount > 0) await this.#intake.append(admitted.stream, lines, recordCount)
      answerCounts(response, recordCount - rejected.length, rejected)
      return undefined
    } finally {
      this.#pool.giveBack(received)
    }
  }

  /** Everything that can be said before the body comes. */
  #admit(request: IncomingMessage, path: string): Admitted | Refusal {
    const stream = STREAM_OF_PATH.get(path)
    if (stream === undefined)
      return new Refusal('not_found', `There is no ${path}. Events go to /v1/impressions or /v1/clicks.`)
    if (request.method !== 'POST') return new Refusal('method_not_allowed', `${path} takes POST.`)
    const sender = this.#gate.enter(request, { stream, isForeign: isCrossOrigin(request) })
    if (sender instanceof Refusal) return sender
    if (!this.#isOpen) return this.#whyClosed()
    const kind = mediaKindOf(request.headers['content-type'])
    if (kind === undefined) return unknownMediaType(request.headers['content-type'])
    const encoding = encodingOf(request.headers['content-encoding'])
    if (encoding === undefined)
      return new Refusal('content_encoding', 'Content-Encoding must be gzip, zstd or identity.')
    const length = Number(request.headers['content-length'] ?? 0)
    if (length > this.limits.maxBodyBytes) return bodyTooLarge(this.limits.maxBodyBytes)
    return { stream, kind, encoding, sender }
  }

  /** Reads what was received, and judges it; at once where that is soon done. */
  #read(received: Buffer, lease: ByteLease, admitted: Admitted): MaybeLater<Verdict | Refusal> {
    const { encoding, kind, stream } = admitted
    if (encoding !== 'identity') return this.#readInflated(received, encoding, lease, admitted)
    const lines = toLines(received, kind === 'lines')
    return lines instanceof Promise
      ? lines.then((whole) => this.#judgeLines(stream, whole))
      : this.#judgeLines(stream, lines)
  }

  async #readInflated(
    received: Buffer,
    encoding: 'gzip' | 'zstd',
    lease: ByteLease,
    { kind, stream }: Admitted,
  ): Promise<Verdict | Refusal> {
    const body = await this.#inflater.inflate(received, encoding, 1)
    if (body instanceof Refusal) return body
    if (!lease.tryTake(body.length)) return tooBusy()
    return this.#judgeLines(stream, await toLines(body, kind === 'lines'))
  }

  #judgeLines(stream: StreamName, lines: Uint8Array | Refusal): MaybeLater<Verdict | Refusal> {
    if (lines instanceof Refusal) return lines
    const { maxEventsPerRequest } = this.limits
    const verdict = this.#judge.judge(stream, lines, maxEventsPerRequest)
    return verdict instanceof Promise
      ? verdict.then((found) => found ?? tooMany(maxEventsPerRequest))
      : (verdict ?? tooMany(maxEventsPerRequest))
  }

  #refusalOf(error: unknown): Refusal {
    if (error instanceof TidemarkError && error.code === 'MEMORY_FULL') return memoryFull(error)
    if (error instanceof TidemarkError && error.retryable) return notReady(error.code !== 'JOURNAL_BUSY')
    if (error instanceof TidemarkError && error.code === 'INPUT_BAD_DATA')
      return new Refusal('event_too_large', error.message)
    this.#onError(error)
    return new Refusal('internal', 'Something is wrong here; the log says more. Nothing is said to be accepted.')
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function tooMany(maxEvents: number): Refusal {
  return new Refusal('too_many_events', `The request holds over ${maxEvents} events. Send fewer at a time.`)
}

function notReady(isLasting: boolean): Refusal {
  return new Refusal('not_ready', 'No events can be taken at present. Nothing was taken; send it again.', 1, isLasting)
}

const HOLD_MS = 1_000

/** Old events have to expire first, or whoever operates it has to do something. */
const MEMORY_RETRY_S = 5

function memoryFull({ message, fix = '' }: TidemarkError): Refusal {
  const what = `${message} Nothing was taken; send it again later. Its operator can do more: ${fix}.`
  return new Refusal('memory_full', what, MEMORY_RETRY_S, true)
}

function unknownMediaType(given: string | undefined): Refusal {
  const what = given === undefined ? 'Content-Type is missing' : 'This Content-Type is not taken'
  return new Refusal(
    'media_type',
    `${what}. Use application/json or application/x-ndjson (curl: -H 'Content-Type: application/json').`,
  )
}
