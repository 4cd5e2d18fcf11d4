/**
 * One stream: its topic as a table, its records checked, its duplicates told from its events.
 *
 * V1  Every record of the topic is in exactly one of: malformed, duplicate, accepted.
 * V2  An id counts as a duplicate up to A + L away in event time from an event accepted before; first arrival wins.
 *     Exact for the first three events of an id and all their copies while outOfOrderness is at most A + L. From there
 *     on each is held against the one before it: copies in a chain that stretches over more than A + L are all
 *     duplicates, and with more disorder than A + L a copy that comes behind a later event is taken for new.
 * V3  All of it is insert-only and keeps the event time as a time attribute, which the interval join needs.
 * V4  A time that is no event's moves no watermark: it is taken as the epoch, and the watermark is a maximum.
 * V5  A record is taken apart once and checked once. The planner writes an expression wherever its column is used, and
 *     each `JSON_VALUE` parses its record anew; only what it holds to be another value each time does it compute where
 *     it stands. See {@link once}.
 */
import { END_EVENT_TIME_MS } from '../time/window.ts'
import { finalAfterMs, summedFields, type Plan, type StreamName } from '../pipeline/plan.ts'
import { identifier, interval, literal } from './quoting.ts'
import {
  dimensionText,
  fits,
  hasTypes,
  isAmount,
  isEventTime,
  knownFields,
  memberText,
  micros,
  millisecondsOf,
  timeMs,
} from './record-fields.ts'
import type { FlinkSettings } from './settings.ts'

/** One statement and what it is for. */
export interface FlinkStatement {
  /** For readers; lines of a comment. */
  readonly about: string
  readonly sql: string
}

/**
 * How far Flink's watermark trails the highest event time: windows close A + L after their end, of which the join waits
 * A.
 */
function watermarkDelayMs({ parameters }: Plan): number {
  return parameters.outOfOrdernessMs + finalAfterMs(parameters) - parameters.attributionWindowMs
}

/** The statements that turn a stream's topic into accepted events. */
export function eventStatements(plan: Plan, stream: StreamName, settings: FlinkSettings): readonly FlinkStatement[] {
  return [
    topicTable(plan, stream, settings),
    recordView(plan, stream),
    checkedView(plan, stream),
    eventsView(stream),
    markedView(plan, stream),
    farView(plan, stream),
    fartherView(plan, stream),
    ...acceptedViews(stream),
  ]
}

function topicTable(plan: Plan, stream: StreamName, settings: FlinkSettings): FlinkStatement {
  const { topic, eventTimeField } = plan.streams[stream]
  const time = timeMs(memberText(eventTimeField))
  const known = settings.bounded ? beforeEnd(time) : notInFuture(time, plan.parameters.maxFutureSkewMs)
  return {
    about:
      `The topic of ${stream}, record by record. rt is the event time, the epoch where there is none` +
      `${settings.bounded ? '' : ' or it is too far in the future'}.\n` +
      'The watermark trails by outOfOrderness and allowedLateness.',
    sql: `CREATE TEMPORARY TABLE ${stream}_topic (
  body STRING,
  record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  rt AS TO_TIMESTAMP_LTZ(COALESCE(${known}, CAST(0 AS BIGINT)), 3),
  WATERMARK FOR rt AS rt - ${interval(watermarkDelayMs(plan))}
) WITH (
  ${topicOptions(plan, topic, settings).join(',\n  ')}
)`,
  }
}

function beforeEnd(time: string): string {
  return `CASE WHEN ${time} < ${END_EVENT_TIME_MS} THEN ${time} END`
}

// A stamp far ahead would close windows that still fill.
function notInFuture(time: string, skewMs: number): string {
  return `CASE WHEN ${time} < LEAST(${END_EVENT_TIME_MS}, UNIX_TIMESTAMP() * 1000 + ${skewMs + 1}) THEN ${time} END`
}

function topicOptions(plan: Plan, topic: string, settings: FlinkSettings): readonly string[] {
  const options: readonly (readonly [string, string])[] = [
    ['connector', 'kafka'],
    ['topic', topic],
    ['properties.bootstrap.servers', settings.brokers],
    ['properties.group.id', `tidemark-${plan.name}`],
    ['scan.startup.mode', 'earliest-offset'],
    ...(settings.bounded ? ([['scan.bounded.mode', 'latest-offset']] as const) : []),
    ['format', 'raw'],
  ]
  return options.map(([key, value]) => `${literal(key)} = ${literal(value)}`)
}

function recordView(plan: Plan, stream: StreamName): FlinkStatement {
  const columns = [...textColumns(plan, stream)].map(([field, column]) => `${once(memberText(field))} AS ${column}`)
  return {
    about: 'The known fields of each record as one object, and the text of those that are needed, each taken once.',
    sql: `CREATE TEMPORARY VIEW ${stream}_records AS
SELECT rt, record_time,
  ${once(knownFields(plan.streams[stream]))} AS known_fields,
  ${columns.join(',\n  ')}
FROM ${stream}_topic`,
  }
}

/**
 * A value that the planner takes for another one each time it is asked for: so it is asked for once, and kept for
 * whoever uses it more than once (V5).
 */
function once(value: string): string {
  return `CASE WHEN UNIX_TIMESTAMP() > 0 THEN ${value} END`
}

/** Fields that are needed by their value, with the column that holds their text. */
function textColumns(plan: Plan, stream: StreamName): ReadonlyMap<string, string> {
  const { idField, impressionIdField } = plan.streams[stream]
  const ofImpression = [...plan.dimensions.map(({ field }) => field), ...summedFields(plan)]
  const fields = [idField, impressionIdField, ...(stream === 'impressions' ? ofImpression : [])]
  return new Map([...new Set(fields)].map((field, index) => [field, textColumn(field, index)]))
}

/** A field whose name is fit for a column gives it its name; any other is numbered. */
function textColumn(field: string, index: number): string {
  return identifier(/^[a-z][a-z0-9_]{0,62}$/.test(field) ? `text_${field}` : `text_${index}`)
}

function checkedView(plan: Plan, stream: StreamName): FlinkStatement {
  const streamPlan = plan.streams[stream]
  const columns = textColumns(plan, stream)
  const text = (field: string): string => columns.get(field) ?? 'NULL'
  const sums = stream === 'impressions' ? summedFields(plan) : []
  const bounded = [...columns].filter(([field]) => !sums.includes(field)).map(([, column]) => fits(column))
  const rules = [
    hasTypes(streamPlan, 'known_fields'),
    isEventTime('event_ms'),
    ...bounded,
    ...sums.map((field) => isAmount(micros(text(field)))),
  ]
  const carried = stream === 'impressions' ? factsRow(plan, text) : text(streamPlan.impressionIdField)
  const values = [text(streamPlan.idField), 'event_ms', 'record_time', carried]
  return {
    about: 'Whether each record is an event, and what of it is needed from here on, in one value.',
    sql: `CREATE TEMPORARY VIEW ${stream}_checked AS
SELECT rt, ${once(`CAST(ROW(${values.join(', ')},
  (${rules.join('\n    AND ')}) IS TRUE) AS ${checkedType(plan, stream)})`)} AS checked
FROM (SELECT *, ${millisecondsOf('rt')} AS event_ms FROM ${stream}_records)`,
  }
}

function checkedType(plan: Plan, stream: StreamName): string {
  const carried = stream === 'impressions' ? factsType(plan) : 'STRING'
  return `ROW<id STRING, event_ms BIGINT, record_time TIMESTAMP_LTZ(3), ${carriedColumn(stream)} ${carried}, is_event BOOLEAN>`
}

/** What an event carries beside its id and time: an impression its dimensions and sums, a click its impression's id. */
function carriedColumn(stream: StreamName): string {
  return stream === 'impressions' ? 'facts' : 'impression_id'
}

// One value for all dimensions: the planner would otherwise plan the deduplication once for each table.
function factsRow(plan: Plan, text: (field: string) => string): string {
  const dimensions = plan.dimensions.map(({ field, missing }) => dimensionText(text(field), missing))
  const sums = summedFields(plan).map((field) => micros(text(field)))
  return `CAST(ROW(${[...dimensions, ...sums, 'CAST(1 AS BIGINT)'].join(', ')}) AS ${factsType(plan)})`
}

/** The type of what an impression carries: a text for each dimension, millionths for each sum. */
export function factsType(plan: Plan): string {
  const types = [
    ...plan.dimensions.map(({ name }) => `${identifier(`d_${name}`)} STRING`),
    ...summedFields(plan).map((_, index) => `${identifier(`s_${index}`)} BIGINT`),
    // A row has at least one field.
    '`one` BIGINT',
  ]
  return `ROW<${types.join(', ')}>`
}

function eventsView(stream: StreamName): FlinkStatement {
  const columns = ['id', 'event_ms', carriedColumn(stream)].map((name) => `checked.${name} AS ${name}`)
  return {
    about: 'The records that are events, in the order in which they arrive.',
    sql: `CREATE TEMPORARY VIEW ${stream}_events AS
SELECT rt, PROCTIME() AS arrival, ${columns.join(', ')}
FROM ${stream}_checked
WHERE checked.is_event`,
  }
}

function markedView(plan: Plan, stream: StreamName): FlinkStatement {
  return {
    about: 'Each event beside the first of its id: number 1 is accepted, and those near it are its duplicates.',
    sql: numberedView(plan, stream, { name: 'marked', from: 'events' }),
  }
}

function farView(plan: Plan, stream: StreamName): FlinkStatement {
  return {
    about: 'An id used again after A + L names a new event, and so on: the same for those far from the first.',
    sql: numberedView(plan, stream, { name: 'far', from: 'marked', where: 'NOT is_near' }),
  }
}

// Each use in turn would need a view of its own. From the third on an event is held against the one before it.
function fartherView(plan: Plan, stream: StreamName): FlinkStatement {
  return {
    about: 'Those far from both: new events where the one before it, if there is one, is far as well.',
    sql: `CREATE TEMPORARY VIEW ${stream}_farther AS
SELECT rt, arrival, id, event_ms, ${carriedColumn(stream)},
  COALESCE(ABS(event_ms - LAG(event_ms) OVER (PARTITION BY id ORDER BY arrival)) > ${reachMs(plan)}, TRUE) AS is_new
FROM ${stream}_far
WHERE NOT is_near`,
  }
}

interface NumberedView {
  readonly name: string
  readonly from: string
  readonly where?: string
}

function numberedView(plan: Plan, stream: StreamName, { name, from, where }: NumberedView): string {
  return `CREATE TEMPORARY VIEW ${stream}_${name} AS
SELECT rt, arrival, id, event_ms, ${carriedColumn(stream)},
  COUNT(*) OVER by_arrival AS number_of_id,
  ABS(event_ms - FIRST_VALUE(event_ms) OVER by_arrival) <= ${reachMs(plan)} AS is_near
FROM ${stream}_${from}${where === undefined ? '' : `\nWHERE ${where}`}
WINDOW by_arrival AS (PARTITION BY id ORDER BY arrival ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`
}

function acceptedViews(stream: StreamName): readonly FlinkStatement[] {
  const columns = `rt, id, event_ms, ${carriedColumn(stream)}`
  return [
    {
      about: 'New events under an id that was used before.',
      sql: `CREATE TEMPORARY VIEW ${stream}_again AS
SELECT ${columns} FROM ${stream}_far WHERE number_of_id = 1
UNION ALL
SELECT ${columns} FROM ${stream}_farther WHERE is_new`,
    },
    {
      about: `The ${stream} that are neither malformed nor duplicates.`,
      sql: `CREATE TEMPORARY VIEW ${stream}_accepted AS
SELECT ${columns} FROM ${stream}_marked WHERE number_of_id = 1
UNION ALL
SELECT ${columns} FROM ${stream}_again`,
    },
  ]
}

/** How far apart in event time two events of one id may be and still be one: A + L. */
function reachMs({ parameters }: Plan): number {
  return parameters.attributionWindowMs + parameters.allowedLatenessMs
}
