/**
 * From a checked definition to the plan. Adds what a person may leave out, nothing else.
 *
 * F1  The plan shares nothing with the definition: freezing the one leaves the other as it was.
 * F2  A dimension whose field the impressions do not list adds it to them as text, after the listed ones.
 */
import { parseDuration } from '../time/duration.ts'
import {
  DEFAULT_PARAMETERS,
  DEFAULT_SOURCES,
  type ClicksDefinition,
  type Definition,
  type DimensionDefinition,
  type MeasureDefinition,
  type SourceDefinition,
  type StreamDefinition,
  type TableDefinition,
} from './definition.ts'
import type {
  ColumnPlan,
  ColumnType,
  DimensionPlan,
  FieldPlan,
  LedgerTablePlan,
  MeasurePlan,
  Plan,
  PlanParameters,
  SourcePlan,
  StreamName,
  StreamPlan,
  TablePlan,
} from './plan.ts'

/** The plan of a whole definition that is known to be sound; `checkDefinition` is for all others. */
export function freezePlan(definition: Definition): Plan {
  const dimensions = Object.entries(definition.dimensions).map(([name, dimension]) => planDimension(name, dimension))
  const measures = Object.entries(definition.measures).map(([name, measure]) => planMeasure(name, measure))
  const dimensionFields = dimensions.map((dimension) => dimension.field)
  return deepFreeze({
    formatVersion: 1,
    name: definition.name,
    parameters: planParameters(definition),
    streams: {
      impressions: planImpressions(definition.streams.impressions, dimensionFields),
      clicks: planClicks(definition.streams.clicks),
    },
    dimensions,
    measures,
    tables: Object.entries(definition.tables).map(([name, table]) => planTable(name, table, measures)),
    ledger: planLedger(definition.ledger ?? 'ledger'),
    sources: Object.entries(definition.sources ?? DEFAULT_SOURCES).map(([name, source]) =>
      planSource(name, source, definition),
    ),
  })
}

function planParameters(definition: Definition): PlanParameters {
  const ms = (name: keyof typeof DEFAULT_PARAMETERS): number => {
    const text = definition.parameters?.[name] ?? DEFAULT_PARAMETERS[name]
    const value = parseDuration(text)
    if (value === undefined) throw new RangeError(`parameters.${name}: "${text}" is not a duration`)
    return value
  }
  return {
    windowSizeMs: ms('windowSize'),
    attributionWindowMs: ms('attributionWindow'),
    clockSkewToleranceMs: ms('clockSkewTolerance'),
    outOfOrdernessMs: ms('outOfOrderness'),
    allowedLatenessMs: ms('allowedLateness'),
    idleTimeoutMs: ms('idleTimeout'),
    maxFutureSkewMs: ms('maxFutureSkew'),
  }
}

function planImpressions(stream: StreamDefinition, dimensionFields: readonly string[]): StreamPlan {
  const extra = dimensionFields.filter((field) => !Object.hasOwn(stream.fields, field))
  const added = extra.map((name): FieldPlan => ({ name, type: 'text', required: false }))
  return planStream('impressions', stream, stream.idField, [...planFields(stream), ...added])
}

function planClicks(stream: ClicksDefinition): StreamPlan {
  return planStream('clicks', stream, stream.impressionIdField, planFields(stream))
}

function planStream(
  name: StreamName,
  stream: StreamDefinition,
  impressionIdField: string,
  fields: readonly FieldPlan[],
): StreamPlan {
  const { topic, idField, eventTimeField } = stream
  return { name, topic, idField, eventTimeField, impressionIdField, fields }
}

function planFields(stream: StreamDefinition): readonly FieldPlan[] {
  return Object.entries(stream.fields).map(([name, type]) => ({
    name,
    type,
    required: type === 'id' || type === 'time',
  }))
}

function planDimension(name: string, dimension: DimensionDefinition): DimensionPlan {
  return {
    name,
    field: dimension.field ?? name,
    label: dimension.label ?? labelOf(name),
    missing: dimension.missing ?? 'unknown',
  }
}

function planMeasure(name: string, measure: MeasureDefinition): MeasurePlan {
  const label = measure.label ?? labelOf(name)
  if ('count' in measure) return { name, label, kind: 'count', of: measure.count }
  if ('sum' in measure) return { name, label, kind: 'sum', field: measure.sum }
  const [numerator, denominator] = measure.ratio
  return { name, label, kind: 'ratio', numerator, denominator, scale: measure.scale ?? 1 }
}

function planTable(name: string, table: TableDefinition, measures: readonly MeasurePlan[]): TablePlan {
  const column = (columnName: string, type: ColumnType): ColumnPlan => ({ name: columnName, type })
  const measureColumns = table.measures.map((measureName) => column(measureName, measureType(measureName, measures)))
  return {
    name,
    axis: table.minuteOf ?? 'impression',
    dimensions: [...table.dimensions],
    measures: [...table.measures],
    columns: [
      ...table.dimensions.map((dimension) => column(dimension, 'text')),
      column('window_start', 'timestamp'),
      column('window_end', 'timestamp'),
      ...measureColumns,
      column('is_final', 'boolean'),
      column('updated_at', 'timestamp'),
    ],
    primaryKey: ['window_start', ...table.dimensions],
  }
}

function measureType(name: string, measures: readonly MeasurePlan[]): ColumnType {
  const kind = measures.find((measure) => measure.name === name)?.kind
  return kind === 'ratio' ? 'double' : kind === 'sum' ? 'money' : 'bigint'
}

function planLedger(name: string): LedgerTablePlan {
  return {
    name,
    columns: [
      { name: 'stream', type: 'text' },
      { name: 'window_start', type: 'timestamp' },
      { name: 'class', type: 'text' },
      { name: 'events', type: 'bigint' },
      { name: 'updated_at', type: 'timestamp' },
    ],
    primaryKey: ['window_start', 'stream', 'class'],
  }
}

function planSource(name: string, source: SourceDefinition, { streams }: Definition): SourcePlan {
  if (source.kind === 'http') return { name, kind: 'http', ...(source.into === undefined ? {} : { into: source.into }) }
  if (source.kind === 'kafka') {
    const { brokers, topics = {}, startFrom = 'earliest', group, tls, sasl } = source
    const { impressions = streams.impressions.topic, clicks = streams.clicks.topic } = topics
    return {
      name,
      kind: 'kafka',
      brokers,
      topics: { impressions, clicks },
      startFrom,
      ...(group === undefined ? {} : { group }),
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
    }
  }
  return { name, kind: 'files', stream: source.stream, path: source.path }
}

function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
