/**
 * What a person writes: streams and their fields, attribution, dimensions, measures and roll-up tables.
 *
 * A definition is checked whole (`validate.ts`) and becomes a plan (`freeze.ts`); nothing else ever reads it.
 * Everything in it is plain data, so the same shape can be written in TypeScript or in JSON. The type parameters name
 * the dimensions and measures, so that a table of a dimension that does not exist fails to compile as well.
 */
import type { FieldType } from './plan.ts'

/** A duration as people write it: `30m`, `5s`, `250ms`. */
export type DurationText = string

/** One stream. `fields` lists every known field of its records; `idField` and `eventTimeField` are among them. */
export interface StreamDefinition {
  readonly topic: string
  /** The field that identifies the event itself, of type `id`. */
  readonly idField: string
  /** The field that says when it happened, of type `time`. */
  readonly eventTimeField: string
  readonly fields: Readonly<Record<string, FieldType>>
}

/** The clicks, each of which names the impression clicked on. */
export interface ClicksDefinition extends StreamDefinition {
  /** The field that names the impression, of type `id`. */
  readonly impressionIdField: string
}

/** A dimension of the impressions. Each part has a default, so `{}` reads the field of the dimension's own name. */
export interface DimensionDefinition {
  /** The field it is read from. One that the impressions do not list is added to them as text. */
  readonly field?: string
  readonly label?: string
  /** The row for events that lack it; `unknown` unless said otherwise. */
  readonly missing?: string
}

/** How many there were. */
export interface CountDefinition {
  readonly count: 'impressions' | 'clicks'
  readonly label?: string
}

/** The exact sum of a money field of the impressions. */
export interface SumDefinition {
  readonly sum: string
  readonly label?: string
}

/** `scale × numerator / denominator`, each the name of a count or a sum; null where the denominator is 0. */
export interface RatioDefinition<Measure extends string = string> {
  readonly ratio: readonly [numerator: Measure, denominator: Measure]
  readonly scale?: number
  readonly label?: string
}

export type MeasureDefinition<Measure extends string = string> =
  CountDefinition | SumDefinition | RatioDefinition<Measure>

/** A roll-up kept as a table. `minuteOf` is the time axis: the minute of the impression (default) or of the click. */
export interface TableDefinition<Dimension extends string = string, Measure extends string = string> {
  /** In the order of the columns and of the primary key. None gives one row for each window. */
  readonly dimensions: readonly Dimension[]
  /** In the order of the columns; at least one. On the click axis only counts of clicks. */
  readonly measures: readonly Measure[]
  readonly minuteOf?: 'impression' | 'click'
}

/** Events sent over HTTP, both streams. */
export interface HttpSourceDefinition {
  readonly kind: 'http'
  /** Name of the Kafka source whose topics the events are written to, and read from; the journal unless given. */
  readonly into?: string
}

/** Files of one stream that grow: NDJSON, followed as lines are added and as files are rotated. */
export interface FilesSourceDefinition {
  readonly kind: 'files'
  readonly stream: 'impressions' | 'clicks'
  /** A file, or a folder whose files are all followed. Relative to where the command runs. */
  readonly path: string
}

/** Both topics of a Kafka cluster. */
export interface KafkaSourceDefinition {
  readonly kind: 'kafka'
  /** `host:port`, with commas between. */
  readonly brokers: string
  /** Topics under another name than that of their stream. */
  readonly topics?: { readonly impressions?: string; readonly clicks?: string }
  /** Where partitions are read from that were never read before: `earliest` unless said otherwise. */
  readonly startFrom?: 'earliest' | 'latest'
  /** Consumer group whose offsets show tools how far the tables have counted; none unless named. */
  readonly group?: string
  /** Encrypts the connection. Certificates are verified, always. */
  readonly tls?: {
    /** Certificate of the authority that signed the brokers', where that is not a public one. */
    readonly caFile?: string
    /** Our own certificate and its key, where brokers ask for one. */
    readonly certFile?: string
    readonly keyFile?: string
  }
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    readonly username: string
    /** Name of the environment variable that holds the password: a definition holds no secret. */
    readonly passwordEnv: string
  }
}

/** Where `run` takes events from. */
export type SourceDefinition = HttpSourceDefinition | FilesSourceDefinition | KafkaSourceDefinition

/** The parameters of SEMANTICS. */
export interface ParametersDefinition {
  readonly windowSize?: DurationText
  readonly attributionWindow?: DurationText
  readonly clockSkewTolerance?: DurationText
  readonly outOfOrderness?: DurationText
  readonly allowedLateness?: DurationText
  readonly idleTimeout?: DurationText
  readonly maxFutureSkew?: DurationText
}

/** A whole definition. The order of fields, dimensions, measures and tables is kept everywhere. */
export interface Definition<Dimension extends string = string, Measure extends string = string> {
  readonly name: string
  readonly streams: { readonly impressions: StreamDefinition; readonly clicks: ClicksDefinition }
  readonly parameters?: ParametersDefinition
  readonly dimensions: Readonly<Record<Dimension, DimensionDefinition>>
  readonly measures: Readonly<Record<Measure, MeasureDefinition<NoInfer<Measure>>>>
  readonly tables: Readonly<Record<string, TableDefinition<NoInfer<Dimension>, NoInfer<Measure>>>>
  /** Where `run` takes events from, each under a name of its own; HTTP unless said otherwise. */
  readonly sources?: Readonly<Record<string, SourceDefinition>>
  /** Name of the ledger's table; `ledger` unless said otherwise. */
  readonly ledger?: string
}

/** The sources where nobody names any. */
export const DEFAULT_SOURCES: Readonly<Record<string, SourceDefinition>> = { http: { kind: 'http' } }

/** What a parameter is when nobody gives it. */
export const DEFAULT_PARAMETERS: Required<ParametersDefinition> = {
  windowSize: '1m',
  attributionWindow: '30m',
  clockSkewTolerance: '1s',
  outOfOrderness: '5s',
  allowedLateness: '5m',
  idleTimeout: '10s',
  maxFutureSkew: '5m',
}
