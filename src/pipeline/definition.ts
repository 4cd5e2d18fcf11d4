/**
 * What a person writes: streams and their fields, attribution, dimensions, measures and roll-up tables.
 *
 * A definition is checked whole (`validate.ts`) and becomes a plan (`freeze.ts`); nothing else ever reads it.
 * Everything in it is plain data, so the same shape can be written in TypeScript or in JSON.
 */

/** A duration as people write it: `30m`, `5s`, `250ms`. */
export type DurationText = string

/** One stream. `fields` lists every known field of its records; `idField` and `eventTimeField` are among them. */
export interface StreamDefinition {
  readonly topic: string
  readonly idField: string
  readonly eventTimeField: string
  /** Clicks only: the field that names the impression clicked on. */
  readonly impressionIdField?: string
  readonly fields: Readonly<Record<string, 'id' | 'text' | 'time' | 'money'>>
}

/** A dimension of the impressions. Each part has a default, so `{}` reads the field of the dimension's own name. */
export interface DimensionDefinition {
  readonly field?: string
  readonly label?: string
  /** The row for events that lack it; `unknown` unless said otherwise. */
  readonly missing?: string
}

export type MeasureDefinition =
  | { readonly count: 'impressions' | 'clicks'; readonly label?: string }
  | { readonly sum: string; readonly label?: string }
  | {
      readonly ratio: readonly [numerator: string, denominator: string]
      readonly scale?: number
      readonly label?: string
    }

/** A roll-up kept as a table. `minuteOf` is the time axis: the minute of the impression (default) or of the click. */
export interface TableDefinition {
  readonly dimensions: readonly string[]
  readonly measures: readonly string[]
  readonly minuteOf?: 'impression' | 'click'
}

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

export interface Definition {
  readonly name: string
  readonly streams: { readonly impressions: StreamDefinition; readonly clicks: StreamDefinition }
  readonly parameters?: ParametersDefinition
  readonly dimensions: Readonly<Record<string, DimensionDefinition>>
  readonly measures: Readonly<Record<string, MeasureDefinition>>
  readonly tables: Readonly<Record<string, TableDefinition>>
  /** Name of the ledger's table; `ledger` unless said otherwise. */
  readonly ledger?: string
}
