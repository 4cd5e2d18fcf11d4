/**
 * The recount: SEMANTICS in plain code, for an input that fits in memory. The oracle of every test.
 *
 * It reads partitions in step, keeps whatever is neither malformed nor future nor late, and then, knowing all of it,
 * says what became of each event. So it has no state that expires: a reader can hold each line of it against SEMANTICS.
 * It shares no code with the engine.
 *
 * Q1  Every record read is counted in one class: read = the sum over the classes, for each stream.
 * Q2  W is given: it decides what is pending and what is final. A bounded input has ended: W = +∞, nothing is pending
 *     and everything is final. Of a live one it is W as of the last event that is read here.
 */
import type { Plan, StreamName } from '../pipeline/plan.ts'
import type { TextTables } from '../pipeline/table-text.ts'
import { Admission, FROM_FILE, nextInStep, type Arrival, type LineBatch } from './admission.ts'
import { Attribution, ClickAdmission } from './attribution.ts'
import { eventParser, type DecodeUtf8, type EventParser, type ParsedEvent } from './parse-event.ts'
import { dropByteOrderMark } from './record.ts'
import { Tally, type Totals } from './tally.ts'

/** One partition of a stream, such as a file: its lines without line feeds, in order. */
export interface RecountPartition {
  readonly stream: StreamName
  readonly name: string
  readonly lines: Iterable<Uint8Array>
}

/** One partition of a live stream: what arrived together stays together. */
export interface LivePartition {
  readonly stream: StreamName
  readonly name: string
  readonly batches: Iterable<LineBatch>
}

/** What the tables must hold, and what became of the events. */
export interface Recount {
  readonly tables: TextTables
  readonly totals: Totals
}

/**
 * Recounts whole partitions.
 *
 * @param decodeUtf8 how bytes become text: strict, with a byte-order mark kept as a character
 */
export function recount(plan: Plan, partitions: readonly RecountPartition[], decodeUtf8: DecodeUtf8): Recount {
  const whole = partitions.map(({ stream, name, lines }): LivePartition => {
    return { stream, name, batches: [{ ...FROM_FILE, lines: linesOfFile(lines) }] }
  })
  return recountLive(plan, whole, Infinity, decodeUtf8)
}

/**
 * Recounts a live input up to some point.
 *
 * @param watermarkMs W at that point
 */
export function recountLive(
  plan: Plan,
  partitions: readonly LivePartition[],
  watermarkMs: number,
  decodeUtf8: DecodeUtf8,
): Recount {
  const tally = new Tally(plan, watermarkMs)
  const clickAdmission = new ClickAdmission(plan.parameters, tally)
  const attribution = new Attribution(plan.parameters, tally, watermarkMs)
  const clicks: ParsedEvent[] = []
  for (const [stream, event] of admitInStep(plan, partitions, tally, decodeUtf8)) {
    if (stream === 'impressions') attribution.offerImpression(event)
    else if (clickAdmission.offer(event)) clicks.push(event)
  }
  for (const click of clicks) attribution.attributeClick(click)
  attribution.finish()
  return { tables: tally.tables(), totals: tally.totals() }
}

/**
 * The events that are neither malformed nor future nor late, read in step: from the partition with the lowest watermark
 * next.
 */
function* admitInStep(
  plan: Plan,
  partitions: readonly LivePartition[],
  tally: Tally,
  decodeUtf8: DecodeUtf8,
): Generator<readonly [StreamName, ParsedEvent]> {
  const parsers = eventParsers(plan, decodeUtf8)
  const open = new Map(
    partitions.map(({ stream, batches }) => [
      new Admission(stream, parsers[stream], plan.parameters, tally),
      arrivals(batches),
    ]),
  )
  for (let next = nextInStep(open.keys()); next !== undefined; next = nextInStep(open.keys())) {
    const line = open.get(next)?.next()
    if (line === undefined || line.done === true) open.delete(next)
    else {
      const event = next.admit(...line.value)
      if (event !== undefined) yield [next.stream, event]
    }
  }
}

function* arrivals(batches: Iterable<LineBatch>): Generator<readonly [line: Uint8Array, arrival: Arrival]> {
  for (const batch of batches) for (const line of batch.lines) yield [line, batch]
}

/** Lines as they are, but for a byte-order mark before the first. */
function* linesOfFile(lines: Iterable<Uint8Array>): Generator<Uint8Array> {
  let isFirst = true
  for (const line of lines) {
    yield isFirst ? dropByteOrderMark(line) : line
    isFirst = false
  }
}

/** How the records of each stream are read. */
export function eventParsers(plan: Plan, decodeUtf8: DecodeUtf8): Readonly<Record<StreamName, EventParser>> {
  return {
    impressions: eventParser(plan, 'impressions', decodeUtf8),
    clicks: eventParser(plan, 'clicks', decodeUtf8),
  }
}
