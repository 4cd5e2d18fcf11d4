/**
 * The plan's tables as sinks, and the queries that fill them with absolute values.
 *
 * T1  A row stands while something is counted in it: on the impression axis impressions, on the click axis clicks.
 * T2  Sums are whole millionths until the last step, so that they are exact and ratios are the doubles of every engine.
 */
import { summedFields, type ColumnPlan, type LedgerTablePlan, type Plan, type TablePlan } from '../pipeline/plan.ts'
import type { FlinkStatement } from './event-views.ts'
import { identifier, literal } from './quoting.ts'
import type { FlinkSettings } from './settings.ts'

const SQL_TYPES: Readonly<Record<ColumnPlan['type'], string>> = {
  text: 'STRING',
  timestamp: 'TIMESTAMP(3)',
  bigint: 'BIGINT',
  double: 'DOUBLE',
  money: 'DECIMAL(20, 6)',
  boolean: 'BOOLEAN',
}

/** What a table is called inside the job. */
export function sinkName(table: TablePlan | LedgerTablePlan): string {
  return identifier(`table_${table.name}`)
}

/** A table of PostgreSQL as a sink: upserts and deletes by primary key. */
export function sinkStatement(table: TablePlan | LedgerTablePlan, settings: FlinkSettings): FlinkStatement {
  const columns = table.columns.map(({ name, type }) => `  ${identifier(name)} ${SQL_TYPES[type]},`)
  return {
    about: `The table ${table.name} in PostgreSQL.`,
    sql: `CREATE TEMPORARY TABLE ${sinkName(table)} (
${columns.join('\n')}
  PRIMARY KEY (${table.primaryKey.map(identifier).join(', ')}) NOT ENFORCED
) WITH (
  ${sinkOptions(table, settings).join(',\n  ')}
)`,
  }
}

// The connector writes the table's name into its statements as it stands, so it comes with PostgreSQL's quotes.
function sinkOptions(table: TablePlan | LedgerTablePlan, settings: FlinkSettings): readonly string[] {
  const separator = settings.jdbcUrl.includes('?') ? '&' : '?'
  const options: readonly (readonly [string, string])[] = [
    ['connector', 'jdbc'],
    ['url', `${settings.jdbcUrl}${separator}reWriteBatchedInserts=true`],
    ['username', settings.username],
    ['password', settings.password],
    ['table-name', `"${table.name.replaceAll('"', '""')}"`],
    ['sink.buffer-flush.interval', '1s'],
    ['sink.buffer-flush.max-rows', '2000'],
    ['sink.max-retries', '10'],
    ['sink.parallelism', '1'],
  ]
  return options.map(([key, value]) => `${literal(key)} = ${literal(value)}`)
}

/** What is counted where: an impression, a counted click, or a window that is closed, each with its dimensions. */
export function cellFactsStatements(plan: Plan): readonly FlinkStatement[] {
  const start = (timeMs: string): string => windowStart(plan, timeMs)
  const select = (time: string, values: string, from: string): string =>
    `SELECT ${time} AS window_start, facts, ${values} FROM ${from}`
  const closed = select('window_start', oneOf('closed'), 'closed_windows')
  return [
    {
      about: 'What changes a cell on the impression axis: an impression, its click, the end of its window.',
      sql: `CREATE TEMPORARY VIEW impression_axis AS
${select(start('event_ms'), oneOf('impressions'), 'impressions_accepted')}
UNION ALL
${select(start('impression_ms'), oneOf('clicks'), 'clicked')}
UNION ALL
${closed}`,
    },
    {
      about: 'The same on the click axis.',
      sql: `CREATE TEMPORARY VIEW click_axis AS
${select(start('click_ms'), oneOf('clicks'), 'clicked')}
UNION ALL
${closed}`,
    },
  ]
}

// A click says its time even where only its number counts: the planner would otherwise plan `clicked` twice.
function oneOf(counted: 'impressions' | 'clicks' | 'closed'): string {
  const one = counted === 'clicks' ? 'CASE WHEN click_ms IS NULL THEN 0 ELSE 1 END' : '1'
  return (['impressions', 'clicks', 'closed'] as const)
    .map((name) => `CAST(${name === counted ? one : 0} AS BIGINT) AS ${name}`)
    .join(', ')
}

/** The start of the window that holds an event time, as a timestamp in UTC. */
export function windowStart({ parameters }: Plan, timeMs: string): string {
  return `CAST(TO_TIMESTAMP_LTZ(${timeMs} - MOD(${timeMs}, ${parameters.windowSizeMs}), 3) AS TIMESTAMP(3))`
}

/** The query that fills a table. */
export function insertStatement(plan: Plan, table: TablePlan): string {
  const dimensions = table.dimensions.map((name) => `facts.${identifier(`d_${name}`)}`)
  const counted = table.axis === 'impression' ? 'impressions' : 'clicks'
  const values = table.columns.map((column) => `  ${columnValue(plan, table, column)} AS ${identifier(column.name)}`)
  return `INSERT INTO ${sinkName(table)}
SELECT
${values.join(',\n')}
FROM ${table.axis}_axis
GROUP BY ${['window_start', ...dimensions].join(', ')}
HAVING SUM(${counted}) > 0`
}

function columnValue(plan: Plan, table: TablePlan, { name }: ColumnPlan): string {
  if (table.dimensions.includes(name)) return `facts.${identifier(`d_${name}`)}`
  if (name === 'window_start') return 'window_start'
  if (name === 'window_end') return `TIMESTAMPADD(SECOND, ${plan.parameters.windowSizeMs / 1_000}, window_start)`
  if (name === 'is_final') return 'SUM(closed) > 0'
  if (name === 'updated_at') return 'CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))'
  return measureValue(plan, name)
}

function measureValue(plan: Plan, name: string): string {
  const measure = plan.measures.find((candidate) => candidate.name === name)
  if (measure === undefined) throw new RangeError(`the plan has no measure "${name}"`)
  if (measure.kind === 'count') return `SUM(${measure.of})`
  if (measure.kind === 'sum') return `CAST(${sumMicros(plan, measure.field)} * 0.000001 AS DECIMAL(20, 6))`
  const top = asDouble(plan, measure.numerator)
  const bottom = asDouble(plan, measure.denominator)
  const scaled = measure.scale === 1 ? top : `${doubleLiteral(measure.scale)} * ${top}`
  return `CASE WHEN ${bottom} <> 0 THEN ${scaled} / ${bottom} END`
}

function asDouble(plan: Plan, name: string): string {
  const measure = plan.measures.find((candidate) => candidate.name === name)
  if (measure?.kind === 'sum') return `(CAST(${sumMicros(plan, measure.field)} AS DOUBLE) / 1000000.0E0)`
  return `CAST(SUM(${measure?.kind === 'count' ? measure.of : name}) AS DOUBLE)`
}

function sumMicros(plan: Plan, field: string): string {
  return `SUM(impressions * facts.${identifier(`s_${summedFields(plan).indexOf(field)}`)})`
}

function doubleLiteral(value: number): string {
  const [digits = '0', exponent = '0'] = String(value).split('e')
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
}
