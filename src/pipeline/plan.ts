/**
 * The plan: one frozen piece of plain data from which the engine, the SQL tables, the files, the verification and the
 * page are derived. Nothing else lists a stream, a dimension or a measure.
 *
 * P1  A plan is deeply frozen and survives `JSON.parse(JSON.stringify(plan))` unchanged.
 * P2  Equal definitions give equal plans, byte for byte, hence equal hashes.
 * P3  Every name a plan refers to is declared in it: whoever reads a plan need not check it again.
 * P4  All durations are whole milliseconds.
 */

/** The two streams an ad pipeline joins. */
export type StreamName = 'impressions' | 'clicks'

/** Both streams, in the order used wherever streams are numbered: impressions are 0, clicks are 1. */
export const STREAM_NAMES = ['impressions', 'clicks'] as const

/**
 * What a field holds. `id`: non-empty text that identifies; `text`: text or nothing; `time`: an event time;
 * `money`: a decimal number kept as whole millionths.
 */
export type FieldType = 'id' | 'text' | 'time' | 'money'

/** One known field of a stream. Fields not listed are ignored in the input. */
export interface FieldPlan {
  /** The key in the JSON record, any text. */
  readonly name: string
  readonly type: FieldType
  /** Whether an event without it (absent, null or empty) is malformed. Ids and times always are. */
  readonly required: boolean
}

/** One stream: where its records come from and which of its fields play a part. */
export interface StreamPlan {
  readonly name: StreamName
  readonly topic: string
  /** The field that identifies the event itself. */
  readonly idField: string
  readonly eventTimeField: string
  /** The field that names the impression: the stream's own id for impressions. */
  readonly impressionIdField: string
  readonly fields: readonly FieldPlan[]
}

/** A dimension: a text field of the impression by which cells are split. */
export interface DimensionPlan {
  /** Column name, in tables and on the page. */
  readonly name: string
  /** Field of the impression it is read from. */
  readonly field: string
  /** What the page calls it. */
  readonly label: string
  /** The row for events that lack it. */
  readonly missing: string
}

/** Counted impressions or counted clicks. */
export interface CountMeasurePlan {
  readonly name: string
  readonly label: string
  readonly kind: 'count'
  readonly of: StreamName
}

/** The exact sum of a money field over counted impressions. */
export interface SumMeasurePlan {
  readonly name: string
  readonly label: string
  readonly kind: 'sum'
  readonly field: string
}

/** `scale × numerator / denominator`, null where the denominator is 0. Both name a count or a sum. */
export interface RatioMeasurePlan {
  readonly name: string
  readonly label: string
  readonly kind: 'ratio'
  readonly numerator: string
  readonly denominator: string
  readonly scale: number
}

export type MeasurePlan = CountMeasurePlan | SumMeasurePlan | RatioMeasurePlan

/** The minute a counted click is put under: that of its impression, or its own. */
export type TimeAxis = 'impression' | 'click'

/** Cells of one group of dimensions on one time axis. */
export interface RollUp {
  readonly name: string
  readonly axis: TimeAxis
  /** Names of dimensions, in key order. */
  readonly dimensions: readonly string[]
}

export type ColumnType = 'text' | 'timestamp' | 'bigint' | 'double' | 'money' | 'boolean'

/** One column of a table. */
export interface ColumnPlan {
  readonly name: string
  readonly type: ColumnType
}

/** A roll-up that is kept as a table. */
export interface TablePlan extends RollUp {
  /** Names of measures, in column order. */
  readonly measures: readonly string[]
  /** All columns in order: dimensions, window_start, window_end, measures, is_final, updated_at. */
  readonly columns: readonly ColumnPlan[]
  /** `window_start`, then the dimensions. */
  readonly primaryKey: readonly string[]
}

/** The table of the ledger: window_start, stream, class, events. */
export interface LedgerTablePlan {
  readonly name: string
  readonly columns: readonly ColumnPlan[]
  readonly primaryKey: readonly string[]
}

/** The parameters of SEMANTICS, in milliseconds. */
export interface PlanParameters {
  readonly windowSizeMs: number
  readonly attributionWindowMs: number
  readonly clockSkewToleranceMs: number
  readonly outOfOrdernessMs: number
  readonly allowedLatenessMs: number
  readonly idleTimeoutMs: number
  readonly maxFutureSkewMs: number
}

/** Where `run` takes events from. Its name is part of the names of the partitions it fills. */
export type SourcePlan =
  | HttpSourcePlan
  | { readonly name: string; readonly kind: 'files'; readonly stream: StreamName; readonly path: string }
  | KafkaSourcePlan

/** Events sent over HTTP. */
export interface HttpSourcePlan {
  readonly name: string
  readonly kind: 'http'
  /** The Kafka source whose topics they are written to; left out, they go to the journal. */
  readonly into?: string
}

/** Topics of a Kafka cluster. */
export interface KafkaSourcePlan {
  readonly name: string
  readonly kind: 'kafka'
  readonly brokers: string
  readonly topics: Readonly<Record<StreamName, string>>
  /** Where partitions are read from that were never read before. */
  readonly startFrom: 'earliest' | 'latest'
  /** Consumer group that shows tools how far the tables have counted; none where left out. */
  readonly group?: string
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
  readonly sasl?: { readonly mechanism: string; readonly username: string; readonly passwordEnv: string }
}

export interface Plan {
  readonly formatVersion: 1
  readonly name: string
  readonly parameters: PlanParameters
  readonly streams: { readonly impressions: StreamPlan; readonly clicks: StreamPlan }
  readonly dimensions: readonly DimensionPlan[]
  readonly measures: readonly MeasurePlan[]
  readonly tables: readonly TablePlan[]
  readonly ledger: LedgerTablePlan
  /** Sources of a live run. No number depends on them, so they are no part of the plan's hash. */
  readonly sources: readonly SourcePlan[]
}

/** The classes of the ledger, in the order of SEMANTICS; their index is their code. */
export const EVENT_CLASSES = [
  'counted',
  'duplicate',
  'repeat',
  'out_of_window',
  'orphan',
  'pending',
  'late',
  'future',
  'malformed',
] as const

export type EventClass = (typeof EVENT_CLASSES)[number]

/**
 * The class of clicks in the ledger of a Flink job that are `orphan`, `out_of_window` or `pending`: it counts them as
 * one.
 */
export const UNATTRIBUTED = 'unattributed'

/** A class of a ledger, whoever fills it. */
export type LedgerClass = EventClass | typeof UNATTRIBUTED

/** The money fields that some measure sums, in the order of the measures; their index numbers the sums of a cell. */
export function summedFields(plan: Plan): readonly string[] {
  const fields = plan.measures.flatMap((measure) => (measure.kind === 'sum' ? [measure.field] : []))
  return [...new Set(fields)]
}

/**
 * How far the watermark has to pass a window's end before the window is final, ms: A + L.
 *
 * Where L < e an impression may take over a click of an earlier one: a click up to A behind the window, an impression
 * up to e behind that, read up to L late. A final cell must never change, so a window then waits for e as well.
 */
export function finalAfterMs(parameters: PlanParameters): number {
  const { attributionWindowMs, allowedLatenessMs, clockSkewToleranceMs } = parameters
  const takeOverMs = allowedLatenessMs < clockSkewToleranceMs ? clockSkewToleranceMs : 0
  return attributionWindowMs + allowedLatenessMs + takeOverMs
}
