/**
 * A plan in words: what `tidemark plan` prints. Everything in the plan is shown, and nothing else.
 */
import { formatDuration } from '../time/duration.ts'
import { planHash } from './plan-hash.ts'
import type {
  DimensionPlan,
  FieldPlan,
  LedgerTablePlan,
  MeasurePlan,
  Plan,
  SourcePlan,
  StreamPlan,
  TablePlan,
} from './plan.ts'

type Row = readonly string[]

/** The plan as text for people, a line feed at the end of each line. */
export function explainPlan(plan: Plan): string {
  const sections = [
    [`Pipeline ${plan.name}`, `  hash ${planHash(plan)}, plan format ${plan.formatVersion}`],
    ...Object.values(plan.streams).map(explainStream),
    ['Parameters', ...columns(explainParameters(plan))],
    ['Dimensions', ...columns(plan.dimensions.map(explainDimension))],
    ['Measures', ...columns(plan.measures.map(explainMeasure))],
    ...plan.tables.map(explainTable),
    explainLedger(plan.ledger),
    ['Sources', ...columns(plan.sources.map(explainSource))],
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

/** One line: `ads: 3 dimensions, 4 measures, tables a, b and ledger`. */
export function summarisePlan(plan: Plan): string {
  const tables = [...plan.tables.map((table) => table.name), plan.ledger.name].join(', ')
  const counts = `${countOf(plan.dimensions, 'dimension')}, ${countOf(plan.measures, 'measure')}`
  return `${plan.name}: ${counts}; tables ${tables}`
}

function countOf(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`
}

function explainStream(stream: StreamPlan): readonly string[] {
  return [
    `Stream ${stream.name} (topic ${stream.topic})`,
    ...columns(stream.fields.map((field) => [field.name, field.type, roleOf(stream, field)])),
  ]
}

function roleOf(stream: StreamPlan, field: FieldPlan): string {
  const roles = [
    ...(field.required ? ['required'] : []),
    ...(field.name === stream.idField ? ['identifies the event'] : []),
    ...(field.name === stream.eventTimeField ? ['event time'] : []),
    ...(field.name === stream.impressionIdField && stream.name === 'clicks' ? ['names the impression'] : []),
  ]
  return roles.join(', ')
}

function explainParameters({ parameters }: Plan): readonly Row[] {
  const rows = Object.entries(parameters)
  return rows.map(([name, valueMs]: [string, number]) => [name.replace(/Ms$/, ''), formatDuration(valueMs)])
}

function explainDimension({ name, field, label, missing }: DimensionPlan): Row {
  return [name, `"${label}"`, `from ${field}`, `"${missing}" where it is missing`]
}

function explainMeasure(measure: MeasurePlan): Row {
  return [measure.name, `"${measure.label}"`, explainKind(measure)]
}

function explainKind(measure: MeasurePlan): string {
  if (measure.kind === 'count') return `count of ${measure.of}`
  if (measure.kind === 'sum') return `sum of ${measure.field}`
  const scale = measure.scale === 1 ? '' : `${measure.scale} × `
  return `${scale}${measure.numerator} / ${measure.denominator}`
}

function explainTable(table: TablePlan): readonly string[] {
  return [`Table ${table.name} (by the time of the ${table.axis})`, ...explainColumns(table)]
}

function explainLedger(ledger: LedgerTablePlan): readonly string[] {
  return [`Table ${ledger.name} (the ledger: every event in one class)`, ...explainColumns(ledger)]
}

function explainSource(source: SourcePlan): Row {
  if (source.kind === 'http') {
    const way = source.into === undefined ? '' : `, through the topics of ${source.into}`
    return [source.name, 'HTTP', `impressions and clicks${way}`]
  }
  if (source.kind === 'kafka') {
    const { impressions, clicks } = source.topics
    return [source.name, `Kafka at ${source.brokers}`, `${impressions} and ${clicks}, from the ${source.startFrom}`]
  }
  return [source.name, 'files', `${source.stream} from ${source.path}`]
}

function explainColumns({ columns: all, primaryKey }: TablePlan | LedgerTablePlan): readonly string[] {
  return [...columns(all.map((column) => [column.name, column.type])), `  primary key (${primaryKey.join(', ')})`]
}

/** Pads each column of the rows to its widest text. */
function columns(rows: readonly Row[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((text, index) => (widths[index] = Math.max(widths[index] ?? 0, text.length)))
  return rows.map((row) => `  ${row.map((text, index) => text.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd())
}
