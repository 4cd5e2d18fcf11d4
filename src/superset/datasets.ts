/**
 * The tables of a plan as Superset's datasets: all of them, so that people can ask what the dashboard does not.
 */
import type { ColumnPlan, LedgerTablePlan, Plan, TablePlan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { quoteIdentifier } from '../text/sql-text.ts'
import { datasetUuid } from './charts.ts'
import { metricsOf, type Metric } from './metrics.ts'
import { uuidOf } from './uuid.ts'

const SQL_TYPES: Readonly<Record<ColumnPlan['type'], string>> = {
  text: 'TEXT',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  bigint: 'BIGINT',
  double: 'DOUBLE PRECISION',
  money: 'NUMERIC',
  boolean: 'BOOLEAN',
}

/** The schema that holds the tables of every plan. */
const SCHEMA = 'public'

type Document = Readonly<Record<string, unknown>>

/** The identity of a pipeline's database connection. */
export function databaseUuid(pipeline: string): string {
  return uuidOf(pipeline, 'database')
}

/** Each table with its document. */
export function datasetDocuments(plan: Plan): readonly (readonly [table: string, document: Document])[] {
  return allTables(plan).map((table) => [table.name, datasetDocument(plan, table)])
}

function datasetDocument(plan: Plan, table: TablePlan | LedgerTablePlan): Document {
  return {
    table_name: table.name,
    main_dttm_col: 'window_start',
    description: `One row for each ${keyText(plan, table)}. Pipeline ${plan.name}.`,
    default_endpoint: null,
    offset: 0,
    cache_timeout: null,
    catalog: null,
    schema: SCHEMA,
    sql: null,
    params: null,
    template_params: null,
    filter_select_enabled: true,
    fetch_values_predicate: null,
    extra: null,
    normalize_columns: false,
    always_filter_main_dttm: false,
    uuid: datasetUuid(plan.name, table.name),
    metrics: ('axis' in table ? metricsOf(plan, table) : [EVENTS]).map(metricDocument),
    columns: table.columns.map((column) => columnDocument(plan, column)),
    version: '1.0.0',
    database_uuid: databaseUuid(plan.name),
  }
}

/** The one metric of the ledger. */
const EVENTS: Metric = {
  name: 'events_sum',
  label: 'Events',
  expression: `sum(${quoteIdentifier('events')})`,
  kind: 'sum',
  format: ',d',
  measure: undefined,
}

function keyText(plan: Plan, { primaryKey }: TablePlan | LedgerTablePlan): string {
  const names = primaryKey.map((name) => (name === 'window_start' ? 'window' : labelOf(plan, name)))
  return names.join(', ')
}

function labelOf(plan: Plan, column: string): string {
  return plan.dimensions.find(({ name }) => name === column)?.label ?? column
}

function metricDocument({ name, label, expression, kind, format }: Metric): Document {
  return {
    metric_name: name,
    verbose_name: label,
    metric_type: kind === 'sum' ? 'sum' : null,
    expression,
    description: kind === 'sum' ? null : 'A ratio of sums, never a mean of ratios',
    d3format: format,
  }
}

function columnDocument(plan: Plan, { name, type }: ColumnPlan): Document {
  return {
    column_name: name,
    verbose_name: labelOf(plan, name),
    is_dttm: type === 'timestamp',
    is_active: true,
    type: SQL_TYPES[type],
    groupby: true,
    filterable: true,
  }
}
