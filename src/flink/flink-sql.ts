/**
 * The plan as a Flink SQL job: what the embedded engine computes, by Flink, into the same tables.
 *
 * S1  Equal plans and settings give equal text, byte for byte.
 * S2  No dimension, measure or table is named here that the plan does not name.
 * S3  One statement set, so that topics are read, deduplicated and joined once for all tables.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { formatDuration } from '../time/duration.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { allTables } from '../pipeline/table-text.ts'
import type { Plan } from '../pipeline/plan.ts'
import { attributionStatements } from './attribution-views.ts'
import { eventStatements, type FlinkStatement } from './event-views.ts'
import { ledgerEntriesStatement, ledgerInsertStatement } from './ledger-statements.ts'
import { comment, literal } from './quoting.ts'
import { requireWritableColumns } from './reserved-columns.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from './settings.ts'
import { cellFactsStatements, insertStatement, sinkStatement } from './table-statements.ts'

/** The name by which a plan's job is found on a cluster. */
export function jobName(plan: Plan): string {
  return `tidemark-${plan.name}`
}

/**
 * All statements in the order in which they are run; the last one starts the job.
 *
 * @throws TidemarkError DEFINITION_INVALID where Flink cannot write a column's name
 */
export function flinkStatements(plan: Plan, settings: FlinkSettings): readonly FlinkStatement[] {
  requireWritableColumns(plan)
  return [
    ...options(plan, settings),
    ...eventStatements(plan, 'impressions', settings),
    ...eventStatements(plan, 'clicks', settings),
    ...attributionStatements(plan),
    ...cellFactsStatements(plan),
    ledgerEntriesStatement(plan),
    ...allTables(plan).map((table) => sinkStatement(table, settings)),
    job(plan),
  ]
}

/** The statements as one text for people and for Flink's SQL client. */
export function flinkScript(plan: Plan, settings: FlinkSettings): string {
  const { outOfOrdernessMs, attributionWindowMs, allowedLatenessMs, clockSkewToleranceMs } = plan.parameters
  const head = comment(
    [
      `Pipeline ${plan.name} for Apache Flink 2.2. Made from the plan; change the definition, not this text.`,
      `Plan ${planHash(plan)}`,
      `A = ${formatDuration(attributionWindowMs)} (attributionWindow), e = ${formatDuration(clockSkewToleranceMs)} ` +
        `(clockSkewTolerance), L = ${formatDuration(allowedLatenessMs)} (allowedLateness), ` +
        `outOfOrderness = ${formatDuration(outOfOrdernessMs)}`,
    ].join('\n'),
  )
  const parts = flinkStatements(plan, settings).map(({ about, sql }) =>
    about === '' ? `${sql};\n` : `\n${comment(about)}\n${sql};\n`,
  )
  return `${head}\n${parts.join('')}`
}

/** Equal for jobs that can go on from each other's state: the statements, without addresses and ways of running. */
export function scriptHash(plan: Plan, { bounded }: Pick<FlinkSettings, 'bounded'>): string {
  return bytesToHex(sha256(utf8ToBytes(flinkScript(plan, { ...DEFAULT_FLINK_SETTINGS, bounded }))))
}

function options(plan: Plan, settings: FlinkSettings): readonly FlinkStatement[] {
  const values: readonly (readonly [string, string])[] = [
    ['pipeline.name', jobName(plan)],
    ['table.local-time-zone', 'UTC'],
    ['parallelism.default', String(settings.parallelism)],
    ['state.backend.type', settings.stateBackend],
    ['execution.checkpointing.interval', `${settings.checkpointIntervalMs} ms`],
    ['execution.checkpointing.incremental', 'true'],
    ['table.exec.state.ttl', `${settings.stateTtlMs} ms`],
    ['table.exec.source.idle-timeout', `${settings.idleTimeoutMs} ms`],
  ]
  return values.map(([key, value], index) => ({
    about: index === 0 ? 'How the job runs.' : '',
    sql: `SET ${literal(key)} = ${literal(value)}`,
  }))
}

function job(plan: Plan): FlinkStatement {
  const inserts = [...plan.tables.map((table) => insertStatement(plan, table)), ledgerInsertStatement(plan)]
  return {
    about: 'The job.',
    sql: `EXECUTE STATEMENT SET\nBEGIN\n${inserts.map((insert) => `${insert};`).join('\n\n')}\nEND`,
  }
}
