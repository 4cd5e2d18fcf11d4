/**
 * Sample events of a class of the ledger, out of the newest blocks of each partition.
 *
 * S1  Each sample is of its class for certain (J1 of `sample-judge.ts`), whatever came before the blocks that are
 *     there.
 * S2  Clicks are remembered, of impressions those alone that a click names: memory follows clicks.
 */
import { type Plan, STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import type { SampledClass, SampleEvent, SampleQuery, SampleReason } from '../../query/sample-answer.ts'
import { Malformed, type ParsedEvent } from '../../verify/parse-event.ts'
import { decodeUtf8 } from '../../verify/readers/decode-utf8.ts'
import { eventParsers } from '../../verify/recount.ts'
import { ClickJudge, SeenEvents, type SeenClick } from './sample-judge.ts'
import { idKeyOf, idNumberOf, TailReader, type PartitionTail, type TailEvent } from './tail-reader.ts'

const MAX_TEXT_BYTES = 1_024

export interface SampleSearch {
  readonly plan: Plan
  readonly tails: readonly PartitionTail[]
  /** W after the last block. */
  readonly watermarkMs: number
  /** Called after each batch of events. */
  readonly giveWay: () => Promise<void>
}

/** A record, kept while it may become a sample. */
interface Kept {
  readonly key: string
  readonly stream: StreamName
  readonly partition: string
  readonly arrivalMs: number
  /** What is newest: by when it came, or by its own time where that is not known. */
  readonly orderMs: number
  readonly record: Uint8Array
}

/** What becomes a sample once it is the newest. */
interface Found extends Kept {
  readonly reasonOf: () => SampleReason
}

/** Whether an event's class depends on the other stream. */
export function needsBothStreams(eventClass: SampledClass): boolean {
  return eventClass !== 'late' && eventClass !== 'future' && eventClass !== 'duplicate'
}

/** The newest samples of each stream, the newest first. */
export async function findSamples(search: SampleSearch, query: SampleQuery): Promise<readonly SampleEvent[]> {
  return new Finding(search, query).run()
}

class Finding {
  readonly #search: SampleSearch
  readonly #query: SampleQuery
  readonly #reader: TailReader
  readonly #parsers: ReturnType<typeof eventParsers>
  readonly #seen: Readonly<Record<StreamName, SeenEvents>>
  readonly #found: Record<StreamName, Found[]> = { impressions: [], clicks: [] }
  readonly #clicks: (SeenClick & { readonly kept: Kept })[] = []
  /** Impressions that clicks name (S2). */
  readonly #named = new Set<number>()

  constructor(search: SampleSearch, query: SampleQuery) {
    this.#search = search
    this.#query = query
    this.#reader = new TailReader(search.plan)
    this.#parsers = eventParsers(search.plan, decodeUtf8)
    this.#seen = { impressions: this.#seenOf('impressions'), clicks: this.#seenOf('clicks') }
  }

  async run(): Promise<readonly SampleEvent[]> {
    // Clicks first: they say which impressions matter.
    await this.#read('clicks')
    await this.#read('impressions')
    this.#judgeClicks()
    const wanted = this.#query.stream
    const streams = STREAM_NAMES.filter((stream) => wanted === undefined || wanted === stream)
    const isTimed = this.#query.class === 'late' || this.#query.class === 'future'
    const sure = streams.flatMap((stream) => {
      const own = this.#found[stream].filter(({ key }) => isTimed || this.#seen[stream].isSure(key))
      return newestOf(own, this.#query.limit)
    })
    return newestOf(sure, sure.length).map((found) => this.#sampleOf(found))
  }

  #seenOf(stream: StreamName): SeenEvents {
    const { plan, tails } = this.#search
    const own = tails.filter((tail) => tail.stream === stream).map(({ unseenUpToMs }) => unseenUpToMs)
    return new SeenEvents(plan.parameters, Math.max(-Infinity, ...own))
  }

  async #read(stream: StreamName): Promise<void> {
    const { tails, giveWay } = this.#search
    for (const [partition, tail] of tails.entries())
      if (tail.stream === stream) await this.#reader.read(tail, giveWay, (event) => this.#take(tail, partition, event))
  }

  #take(tail: PartitionTail, partition: number, event: TailEvent): void {
    const wanted = this.#query.class
    if (event.eventClass !== null) {
      if (event.eventClass === wanted) this.#keep(keptOf(tail, '', event), this.#timedReason(event))
    } else if (wanted === 'duplicate' || tail.stream === 'clicks') this.#offer(tail, partition, event)
    else if (needsBothStreams(wanted) && this.#named.has(idNumberOf(event.batch.id, event.row)))
      this.#offer(tail, partition, event)
  }

  #timedReason({ timeMs, boundMs, eventClass, block }: TailEvent): SampleReason {
    const { allowedLatenessMs, maxFutureSkewMs } = this.#search.plan.parameters
    return eventClass === 'late'
      ? { kind: 'late', behindMs: boundMs - timeMs, allowedMs: allowedLatenessMs }
      : { kind: 'future', aheadMs: timeMs - block.arrivalMs, allowedMs: maxFutureSkewMs }
  }

  #offer(tail: PartitionTail, partition: number, event: TailEvent): void {
    const { timeMs, isInTime, batch, row } = event
    const key = idKeyOf(batch.id, row)
    const acceptance = this.#seen[tail.stream].offer({ id: key, timeMs, partition, isInTime })
    if (typeof acceptance === 'object') {
      if (this.#query.class === 'duplicate') this.#keep(keptOf(tail, key, event), acceptance)
    } else if (acceptance === 'accepted' && tail.stream === 'clicks' && needsBothStreams(this.#query.class)) {
      this.#named.add(idNumberOf(batch.impressionId, row))
      const impressionId = idKeyOf(batch.impressionId, row)
      this.#clicks.push({ id: key, impressionId, timeMs, kept: keptOf(tail, key, event) })
    }
  }

  #judgeClicks(): void {
    const { plan, watermarkMs } = this.#search
    const judge = new ClickJudge(plan.parameters, this.#seen.impressions, watermarkMs)
    const sure = this.#clicks.filter(({ id }) => this.#seen.clicks.isSure(id))
    const byKey = new Map(sure.map((click) => [click.id, click]))
    for (const click of sure) judge.add(click)
    for (const click of sure) {
      const reason = judge.reasonOf(click)
      if (reason?.kind !== this.#query.class) continue
      this.#keep(click.kept, () =>
        this.#withTexts(reason, click.kept, byKey.get('clickId' in reason ? reason.clickId : '')?.kept),
      )
    }
  }

  // More than are asked for: some may turn out unsure.
  #keep(kept: Kept, reason: SampleReason | (() => SampleReason)): void {
    const found = this.#found[kept.stream]
    found.push({ ...kept, reasonOf: typeof reason === 'function' ? reason : () => reason })
    const { limit } = this.#query
    if (found.length >= 8 * limit) found.splice(0, found.length, ...newestOf(found, 4 * limit))
  }

  /** The reason with ids as they came instead of keys. */
  #withTexts(reason: SampleReason, own: Kept, other: Kept | undefined): SampleReason {
    if (!('impressionId' in reason)) return reason
    const { impressionId } = this.#parsed(own)
    if (reason.kind !== 'repeat') return { ...reason, impressionId }
    return { ...reason, impressionId, clickId: other === undefined ? '' : this.#parsed(other).id }
  }

  #parsed({ stream, record }: Kept): ParsedEvent {
    const event = this.#parsers[stream](record)
    if (event instanceof Malformed) throw new RangeError(`${event.reason} after it was decoded`)
    return event
  }

  #sampleOf(found: Found): SampleEvent {
    const { stream, partition, arrivalMs, record } = found
    const { id, timeMs } = this.#parsed(found)
    return {
      stream,
      id,
      timeMs,
      arrivedAtMs: Number.isFinite(arrivalMs) ? arrivalMs : null,
      partition,
      reason: found.reasonOf(),
      text: Buffer.from(record.subarray(0, MAX_TEXT_BYTES)).toString('utf8'),
      isCut: record.length > MAX_TEXT_BYTES,
    }
  }
}

function keptOf({ stream, name }: PartitionTail, key: string, { timeMs, batch, row, block }: TailEvent): Kept {
  const record = block.lines.slice(batch.byteStart[row], batch.byteEnd[row])
  const { arrivalMs } = block
  return { key, stream, partition: name, arrivalMs, orderMs: Number.isFinite(arrivalMs) ? arrivalMs : timeMs, record }
}

function newestOf<Event extends Kept>(events: readonly Event[], count: number): Event[] {
  return events.toSorted((a, b) => b.orderMs - a.orderMs).slice(0, count)
}
