/**
 * Questions that the retained journal answers: the raw events behind a cell, how long clicks take, and samples of the
 * events that are not counted.
 *
 * W1  The journal is read up to the positions of the epoch in the tables: what is counted here is what is counted
 *     there.
 * W2  What is kept in memory is bounded: the events of one cell, at most {@link MAX_DRILLED}; of a stretch of time a
 *     sample of impressions by id, so that a click is always looked at together with its impression.
 * W3  One question is read at a time, {@link MAX_WAITING} wait at most; the rest is refused at once.
 */
import { resolve } from 'node:path'
import { nodeDisk } from '../../checkpoint/disk/node-disk.ts'
import { findRetained } from '../../checkpoint/journal/retained.ts'
import { withConnection } from '../../database/connection.ts'
import { readEpochRow, type EpochRow } from '../../database/epoch-row.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import {
  MAX_DRILLED,
  passes,
  type ClickLagAnswer,
  type ClickLagQuery,
  type DrillAnswer,
  type DrillQuery,
  type JoinedEvent,
  type RawClick,
} from '../../query/raw-answer.ts'
import type { SampleAnswer, SampleQuery } from '../../query/sample-answer.ts'
import type { ViewFilter } from '../../query/view-query.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { AcceptedEvents } from '../../verify/accepted-events.ts'
import { Malformed, type EventParser, type ParsedEvent } from '../../verify/parse-event.ts'
import { decodeUtf8 } from '../../verify/readers/decode-utf8.ts'
import { eventParsers } from '../../verify/recount.ts'
import { journalFolder } from '../data-folder.ts'
import { lagAnswer } from './lag-answer.ts'
import { LagSample } from './lag-sample.ts'
import { readSamples } from './read-samples.ts'
import {
  newestPart,
  partitionsElsewhere,
  retainedFromMs,
  scanJournal,
  type Scan,
  type ScannedEvent,
} from './scan-journal.ts'
import { TailReader } from './tail-reader.ts'
import { withTopics } from './topic-tails.ts'
import { WantedIds } from './wanted-ids.ts'

/** Questions that wait for their turn. */
export const MAX_WAITING = 16
/** What the answer of how long clicks take should read at most: it says little more for a day than for an hour. */
const MAX_LAG_BYTES = 128 * 1_048_576

interface Candidate {
  readonly timeMs: number
  readonly dimensions: readonly string[]
  readonly partition: string
  readonly text: string
  readonly clicks: Omit<RawClick, 'class'>[]
}

export interface RawReadsOptions {
  readonly plan: Plan
  /** Connects as a user who may read the epoch row whole. */
  readonly url: string
  readonly dataDir: string
}

export class RawReads {
  readonly #options: RawReadsOptions
  readonly #parsers: Readonly<Record<StreamName, EventParser>>
  #last: Promise<unknown> = Promise.resolve()
  /** The one that is read included. */
  #asked = 0
  readonly #lags = new Map<string, { readonly epochMinute: string; readonly answer: Promise<ClickLagAnswer> }>()

  constructor(options: RawReadsOptions) {
    this.#options = options
    this.#parsers = eventParsers(options.plan, decodeUtf8)
  }

  /**
   * The counted impressions of a cell, and their clicks.
   *
   * @throws TidemarkError VIEW_INVALID where there are too many; VIEW_TIMEOUT, JOURNAL_MISSING, DATABASE_UNAVAILABLE
   */
  async drill(query: DrillQuery, forced: readonly ViewFilter[]): Promise<DrillAnswer> {
    return this.#inTurn(async () => {
      const { scan, row } = await this.#begin(query.range)
      const filters = [...query.filters, ...forced]
      const events = await this.#joined(scan, filters)
      const fromMs = retainedFromMs(scan, this.#options.plan)
      return {
        epoch: row.epoch,
        range: query.range,
        retainedFromMs: fromMs > query.range.startMs ? fromMs : null,
        elsewhere: partitionsElsewhere(scan),
        events: events.slice(query.offset, query.offset + query.limit),
        eventCount: events.length,
      }
    })
  }

  /**
   * How long clicks take, over the impressions of a while whose clicks can all have come: of the newest part of it,
   * where all would take long. Kept for a minute.
   *
   * @throws TidemarkError like {@link drill}
   */
  async clickLag(query: ClickLagQuery, forced: readonly ViewFilter[]): Promise<ClickLagAnswer> {
    const key = JSON.stringify([query, forced])
    const epochMinute = String(Math.floor(Date.now() / MINUTE_MS))
    const known = this.#lags.get(key)
    if (known?.epochMinute === epochMinute) return known.answer
    if (this.#lags.size >= 32) this.#lags.clear()
    const answer = this.#inTurn(() => this.#lag(query, forced))
    this.#lags.set(key, { epochMinute, answer })
    answer.catch(() => this.#lags.delete(key))
    return answer
  }

  /**
   * Sample events of a class that is not counted, each with its reason.
   *
   * @throws TidemarkError like {@link drill}
   */
  async samples(query: SampleQuery): Promise<SampleAnswer> {
    return this.#inTurn(async () => {
      const { scan, row } = await this.#begin({ startMs: 0, endMs: 0 })
      const { plan, dataDir } = this.#options
      const { epoch, watermarkMs, positions } = row
      return withTopics({ plan, dataDir, positions, names: partitionsElsewhere(scan) }, async (topics) =>
        readSamples({ ...scan, epoch, watermarkMs, topics }, query),
      )
    })
  }

  async #lag({ lengthMs, filters }: ClickLagQuery, forced: readonly ViewFilter[]): Promise<ClickLagAnswer> {
    const { plan } = this.#options
    const { attributionWindowMs, allowedLatenessMs, windowSizeMs } = plan.parameters
    const rememberedMs = attributionWindowMs + allowedLatenessMs
    const { scan, row } = await this.#begin({ startMs: 0, endMs: 0 })
    const endMs = Math.floor((row.watermarkMs - rememberedMs) / windowSizeMs) * windowSizeMs
    const asked = { startMs: endMs - lengthMs, endMs }
    const span = newestPart({ ...scan, span: asked }, MAX_LAG_BYTES, row.watermarkMs)
    const all = [...filters, ...forced]
    const reader = new TailReader(plan)
    const sample = new LagSample(rememberedMs)
    await scanJournal({ ...scan, span }, 'impressions', reader, (event) => {
      const isIn = event.timeMs >= span.startMs && event.timeMs < span.endMs
      const passesAll = (): boolean => passes(plan, this.#parsed('impressions', event).dimensions, all)
      sample.addImpression(event, () => isIn && (all.length === 0 || passesAll()))
    })
    await scanJournal({ ...scan, span }, 'clicks', reader, (event) => sample.addClick(event))
    return lagAnswer(plan, {
      epoch: row.epoch,
      range: span,
      elsewhere: partitionsElsewhere(scan),
      oneIn: sample.oneIn,
      lagsMs: sample.lagsMs,
    })
  }

  async #joined(scan: Scan, filters: readonly ViewFilter[]): Promise<readonly JoinedEvent[]> {
    const { plan } = this.#options
    const { span } = scan
    const reader = new TailReader(plan)
    const wanted = new WantedIds()
    await scanJournal(scan, 'impressions', reader, (event) => {
      if (event.timeMs < span.startMs || event.timeMs >= span.endMs) return
      const { id, dimensions } = this.#parsed('impressions', event)
      if (!passes(plan, dimensions, filters)) return
      wanted.add(event.batch.id, event.row, id)
      if (wanted.size > MAX_DRILLED)
        throw new TidemarkError('VIEW_INVALID', `There are more than ${MAX_DRILLED} events behind this.`, {
          where: 'window',
          fix: 'ask for a shorter time, or add a filter',
        })
    })
    const { attributionWindowMs, allowedLatenessMs } = plan.parameters
    const accepted = new AcceptedEvents<Candidate>(attributionWindowMs + allowedLatenessMs)
    await scanJournal(scan, 'impressions', reader, (event) => {
      if (!wanted.has(event.batch.id, event.row)) return
      const { id, timeMs, dimensions } = this.#parsed('impressions', event)
      const text = decoded(event.record())
      accepted.accept(id, { timeMs, dimensions, partition: event.partition, text, clicks: [] })
    })
    await this.#addClicks(scan, { reader, wanted, accepted })
    const joined: JoinedEvent[] = []
    for (const id of wanted.ids()) {
      const found = accepted.latest(id, span.startMs, span.endMs - 1)
      if (found !== undefined && passes(plan, found.dimensions, filters)) joined.push(joinedEvent(plan, id, found))
    }
    return joined.toSorted((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1))
  }

  async #addClicks(
    scan: Scan,
    { reader, wanted, accepted }: { reader: TailReader; wanted: WantedIds; accepted: AcceptedEvents<Candidate> },
  ): Promise<void> {
    const { attributionWindowMs: A, clockSkewToleranceMs: e, allowedLatenessMs: L } = this.#options.plan.parameters
    const clicks = new AcceptedEvents<{ readonly timeMs: number }>(A + L)
    await scanJournal(scan, 'clicks', reader, (event) => {
      if (!wanted.has(event.batch.impressionId, event.row)) return
      const { id, impressionId, timeMs } = this.#parsed('clicks', event)
      if (!clicks.accept(id, { timeMs })) return
      const impression =
        accepted.latest(impressionId, timeMs - A, timeMs + e) ??
        accepted.latest(impressionId, timeMs - A - L, timeMs + e + L)
      impression?.clicks.push({ id, timeMs, partition: event.partition, text: decoded(event.record()) })
    })
  }

  #parsed(stream: StreamName, event: ScannedEvent): ParsedEvent {
    const parsed = this.#parsers[stream](event.record())
    if (parsed instanceof Malformed) throw new RangeError(`${parsed.reason} after it was decoded`)
    return parsed
  }

  async #begin(span: Scan['span']): Promise<{ readonly scan: Scan; readonly row: EpochRow }> {
    const { plan, url, dataDir } = this.#options
    const asking = { url, applicationName: 'tidemark drill', doing: 'read the epoch row' }
    const row = await withConnection(asking, async (client) => readEpochRow(client, plan.name))
    if (row === undefined || row.epoch === 0)
      throw new TidemarkError('JOURNAL_MISSING', 'No epoch is in the tables yet.', {
        retryable: true,
        fix: 'wait for it',
      })
    const partitions = findRetained(nodeDisk, journalFolder(resolve(dataDir)))
    return { scan: { disk: nodeDisk, plan, partitions, positions: row.positions, span }, row }
  }

  // W3: one after the other, whatever became of the one before.
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#asked > MAX_WAITING)
      throw new TidemarkError('DATABASE_BUSY', `${MAX_WAITING} questions wait for the journal already.`, {
        retryable: true,
        fix: 'ask again a little later',
      })
    this.#asked++
    const turn = this.#last.then(work, work).finally(() => this.#asked--)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

function joinedEvent(plan: Plan, id: string, candidate: Candidate): JoinedEvent {
  const { timeMs, dimensions, partition, text, clicks } = candidate
  const { attributionWindowMs, clockSkewToleranceMs } = plan.parameters
  let isTaken = false
  const judged = clicks
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map((click): RawClick => {
      const lagMs = click.timeMs - timeMs
      if (lagMs < -clockSkewToleranceMs || lagMs > attributionWindowMs) return { ...click, class: 'out_of_window' }
      const isRepeat = isTaken
      isTaken = true
      return { ...click, class: isRepeat ? 'repeat' : 'counted' }
    })
  const rank = (click: RawClick): number => (click.class === 'counted' ? 0 : 1)
  return {
    id,
    timeMs,
    dimensions: Object.fromEntries(plan.dimensions.map(({ name }, index) => [name, dimensions[index] ?? ''])),
    partition,
    text,
    clicks: judged.toSorted((a, b) => rank(a) - rank(b)),
  }
}

function decoded(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
}
