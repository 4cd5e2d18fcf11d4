/**
 * What a worked case is, and the words to write one in.
 *
 * A case is data: what each partition holds, and by SEMANTICS what the tables must hold at its end. Expected values are
 * written by hand from that page, never copied from a run. Clock times are those of 2026-01-01 in UTC.
 */
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { EventClass, Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TextRow, TextTables } from '../../src/pipeline/table-text.ts'

/** One partition: its lines without line feeds; a driver puts a line feed after each. */
export interface WorkedPartition {
  readonly stream: StreamName
  readonly lines: readonly Uint8Array[]
}

/** A bounded input and its answer. */
export interface WorkedCase {
  readonly name: string
  /** The ad pipeline with the case's parameters. */
  readonly plan: Plan
  readonly partitions: readonly WorkedPartition[]
  /** All rows of the tables named; the ledger is always one of them. */
  readonly expected: TextTables
}

/** A row of the expected ledger: stream, minute, class, events. */
export type LedgerRow = readonly [stream: StreamName, minute: string, eventClass: EventClass, events: number]

/** How a case is written down. */
export interface CaseText {
  readonly parameters?: ParametersDefinition
  /** One list of lines for each partition. */
  readonly impressions?: readonly (readonly (string | Uint8Array)[])[]
  readonly clicks?: readonly (readonly (string | Uint8Array)[])[]
  readonly ledger: readonly LedgerRow[]
  /** Other tables, each with all its rows in order. */
  readonly tables?: Readonly<Record<string, readonly TextRow[]>>
}

/** The parameters of the worked cases, said aloud. */
export const PARAMETERS: ParametersDefinition = {
  windowSize: '1m',
  attributionWindow: '30m',
  clockSkewTolerance: '1s',
  outOfOrderness: '5s',
  allowedLateness: '5m',
}

/** Builds a case from its text. */
export function workedCase(name: string, text: CaseText): WorkedCase {
  const parameters = { ...adPipeline.parameters, ...PARAMETERS, ...text.parameters }
  const partitionsOf = (stream: StreamName): readonly WorkedPartition[] =>
    (text[stream] ?? []).map((lines) => ({ stream, lines: lines.map(toBytes) }))
  const ledger = text.ledger.map(([stream, minute, eventClass, events]): TextRow => {
    return [stream, minuteStart(minute), eventClass, String(events)]
  })
  return {
    name,
    plan: freezePlan({ ...adPipeline, parameters }),
    partitions: [...partitionsOf('impressions'), ...partitionsOf('clicks')],
    expected: new Map([...Object.entries(text.tables ?? {}), ['ledger', ledger.toSorted(byMinuteStreamClass)]]),
  }
}

function byMinuteStreamClass(a: TextRow, b: TextRow): number {
  const key = ([stream, minute, eventClass]: TextRow): string => `${minute} ${stream} ${eventClass}`
  return key(a) < key(b) ? -1 : 1
}

/** A clock time such as `10:00:59.900` in milliseconds since the epoch. */
export function at(clock: string): number {
  return Date.parse(`2026-01-01T${clock}Z`)
}

/** `10:00` as the start of that minute in a table; a whole timestamp is left as it is. */
export function minuteStart(minute: string): string {
  return minute.length > 5 ? minute : `2026-01-01T${minute}:00.000Z`
}

function minuteEnd(minute: string): string {
  return new Date(Date.parse(minuteStart(minute)) + 60_000).toISOString()
}

/** Joins texts and bytes to one line. */
export function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Buffer.from(typeof part === 'string' ? Buffer.from(part) : part)))
}

function toBytes(line: string | Uint8Array): Uint8Array {
  return typeof line === 'string' ? bytes(line) : line
}

/** Members of a record as JSON source text, so that any spelling can be given; `undefined` leaves one out. */
export type Sources = Readonly<Record<string, string | undefined>>

/** A record from the source text of its members. */
export function record(sources: Sources): string {
  const members = Object.entries(sources).filter(([, source]) => source !== undefined)
  return `{${members.map(([key, source]) => `${JSON.stringify(key)}: ${source}`).join(', ')}}`
}

/** An impression at 10:00:00 of campaign c1 on a mobile device, without a cost, but for `sources`. */
export function impressionRecord(sources: Sources = {}): string {
  return record({
    impression_id: '"i1"',
    user_id: '"u1"',
    campaign_id: '"c1"',
    ad_id: '"a1"',
    device_type: '"mobile"',
    browser: '"chrome"',
    event_timestamp: String(at('10:00:00')),
    ...sources,
  })
}

/** The same, with plain values. */
export function impression(id: string, clock: string, values: Readonly<Record<string, unknown>> = {}): string {
  const sources = Object.entries(values).map(([key, value]): [string, string] => [key, JSON.stringify(value)])
  return impressionRecord({
    impression_id: JSON.stringify(id),
    event_timestamp: String(at(clock)),
    ...Object.fromEntries(sources),
  })
}

/** A click on an impression. */
export function click(id: string, impressionId: string, clock: string): string {
  return clickRecord({
    click_id: JSON.stringify(id),
    impression_id: JSON.stringify(impressionId),
    event_timestamp: String(at(clock)),
  })
}

/** A click at 10:00:05 on impression i1, but for `sources`. */
export function clickRecord(sources: Sources = {}): string {
  return record({
    click_id: '"k1"',
    impression_id: '"i1"',
    user_id: '"u1"',
    event_timestamp: String(at('10:00:05')),
    ...sources,
  })
}

/** A row of `ctr_by_campaign`, or of `engagement_by_device`, which has the same columns behind its key. */
export function ctrRow(
  key: string,
  minute: string,
  impressions: number,
  clicks: number,
  ctr: string,
  spend = '0.000000',
): TextRow {
  return [key, minuteStart(minute), minuteEnd(minute), String(impressions), String(clicks), ctr, spend, 'true']
}

/** A row of `performance`. */
export function performanceRow(
  key: readonly [campaign: string, device: string, browser: string],
  minute: string,
  impressions: number,
  clicks: number,
  spend = '0.000000',
): TextRow {
  return [...key, minuteStart(minute), minuteEnd(minute), String(impressions), String(clicks), spend, 'true']
}

/** A row of `clicks_by_minute`. */
export function clickMinuteRow(campaign: string, device: string, minute: string, clicks: number): TextRow {
  return [campaign, device, minuteStart(minute), minuteEnd(minute), String(clicks), 'true']
}

/** The epoch's first minute: where malformed records stand when their partition has no event time yet. */
export const EPOCH = '1970-01-01T00:00:00.000Z'
