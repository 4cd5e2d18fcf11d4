/**
 * The typed way to write a definition. At run time it hands back what it was given: only `validate.ts` judges it.
 */
import type { AdDimension, AdMeasure } from './ad-pipeline.ts'
import type {
  ClicksDefinition,
  Definition,
  DimensionDefinition,
  MeasureDefinition,
  ParametersDefinition,
  SourceDefinition,
  StreamDefinition,
  TableDefinition,
} from './definition.ts'

/** Any part of `T` may be given, and null removes what the base has. */
type Changed<T> = { readonly [Key in keyof T]?: T[Key] | null }

/** A stream whose fields may be added to, changed, or removed with null. */
type ChangedStream<Stream extends StreamDefinition> = Changed<Omit<Stream, 'fields'>> & {
  readonly fields?: Changed<Stream['fields']>
}

/**
 * A definition that says only what differs from the ad pipeline: merged deep over it, a key set to null removes it.
 * A list replaces the base's list, and a measure that says how it is measured replaces the base's measure.
 */
export interface ExtendedDefinition<Dimension extends string = string, Measure extends string = string> {
  readonly extends: 'ads'
  readonly name?: string
  readonly streams?: {
    readonly impressions?: ChangedStream<StreamDefinition>
    readonly clicks?: ChangedStream<ClicksDefinition>
  }
  readonly parameters?: Changed<ParametersDefinition>
  readonly dimensions?: Readonly<Record<Dimension, Changed<DimensionDefinition> | null>>
  readonly measures?: Readonly<Record<Measure, ChangedMeasure<NoInfer<Measure> | AdMeasure> | null>>
  readonly tables?: Readonly<Record<string, ChangedTable<NoInfer<Dimension>, NoInfer<Measure>> | null>>
  readonly sources?: Readonly<Record<string, SourceDefinition | null>>
  readonly ledger?: string
}

/** A definition that says everything itself. Without `extends`, by which the compiler tells the two apart. */
interface WholeDefinition<Dimension extends string, Measure extends string> extends Definition<Dimension, Measure> {
  readonly extends?: never
}

/** What a definition file may export. */
export type PipelineDefinition = Definition | ExtendedDefinition

type ChangedMeasure<Measure extends string> = MeasureDefinition<Measure> | { readonly label: string | null }

type ChangedTable<Dimension extends string, Measure extends string> = Changed<
  TableDefinition<Dimension | AdDimension, Measure | AdMeasure>
>

/**
 * Writes a pipeline with the compiler's help: a table or a ratio may only name dimensions and measures that exist.
 *
 * @returns the definition itself, unchanged
 * @example
 * ```ts
 * export default definePipeline({
 *   extends: 'ads',
 *   dimensions: { country: { label: 'Country' } },
 *   tables: { ctr_by_country: { dimensions: ['country'], measures: ['impressions', 'clicks', 'ctr'] } },
 * })
 * ```
 */
export function definePipeline<Dimension extends string = never, Measure extends string = never>(
  definition: WholeDefinition<Dimension, Measure> | ExtendedDefinition<Dimension, Measure>,
): PipelineDefinition {
  return definition
}
