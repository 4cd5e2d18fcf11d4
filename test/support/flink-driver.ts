/**
 * Bounded input through real Kafka and real Flink into a real PostgreSQL, and the tables that come out.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { readTables } from '../../src/database/read-tables.ts'
import { flinkStatements } from '../../src/flink/flink-sql.ts'
import { request, runStatements } from '../../src/flink/job/gateway.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from '../../src/flink/settings.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import type { TextRow, TextTables } from '../../src/pipeline/table-text.ts'
import { ensureTopics } from '../../src/sinks/kafka/topics.ts'
import { TopicWriter } from '../../src/sinks/kafka/topic-writer.ts'

/** Where a running stack is. */
export interface FlinkStack {
  readonly brokers: string
  readonly gatewayUrl: string
  readonly jobManagerUrl: string
}

/** One partition: its lines without line feeds. */
export interface LinePartition {
  readonly stream: StreamName
  readonly lines: readonly Uint8Array[]
}

/** The plan with topics of its own, so that runs do not meet. */
export function withTopics(plan: Plan, suffix: string): Plan {
  const { impressions, clicks } = plan.streams
  return {
    ...plan,
    streams: {
      impressions: { ...impressions, topic: `${impressions.topic}-${suffix}` },
      clicks: { ...clicks, topic: `${clicks.topic}-${suffix}` },
    },
  }
}

/** Writes partitions to the plan's topics, which must not exist yet. */
export async function writeTopics(stack: FlinkStack, plan: Plan, partitions: readonly LinePartition[]): Promise<void> {
  const writer = new TopicWriter(stack.brokers)
  try {
    for (const stream of STREAM_NAMES) {
      const { topic } = plan.streams[stream]
      const ofStream = partitions.filter((partition) => partition.stream === stream)
      await ensureTopics(stack.brokers, [{ name: topic, partitions: Math.max(1, ofStream.length) }])
      for (const [partition, { lines }] of ofStream.entries()) {
        for (const line of lines) {
          if (writer.add({ topic, partition, key: undefined, value: Buffer.from(line) })) await writer.flush()
        }
      }
    }
    await writer.flush()
  } finally {
    await writer.close()
  }
}

/** How Flink reaches a database that tests reach by `url`. */
export function jdbcSettings(url: string): Pick<FlinkSettings, 'jdbcUrl' | 'username' | 'password'> {
  const { hostname, port, pathname, username, password } = new URL(url)
  return {
    jdbcUrl: `jdbc:postgresql://${hostname}:${port}${pathname}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
}

/** Starts the plan's job on what its topics hold, waits for its end and reads the tables. */
export async function runBounded(stack: FlinkStack, plan: Plan, url: string, timeoutMs = 240_000): Promise<TextTables> {
  await withConnection({ url, applicationName: 'tidemark test' }, async (client) => migrate(client, plan))
  const settings = { ...DEFAULT_FLINK_SETTINGS, ...jdbcSettings(url), brokers: stack.brokers, bounded: true }
  const statements = flinkStatements(plan, settings).map(({ sql }) => `${sql};`)
  const signal = AbortSignal.timeout(timeoutMs)
  const results = await runStatements(stack.gatewayUrl, statements, signal)
  const jobId = results.at(-1)?.jobId
  if (jobId === undefined) throw new Error('the statements started no job')
  await finished(stack, jobId, signal)
  return tablesIn(url, plan)
}

async function finished(stack: FlinkStack, jobId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { state } = await request<{ state: string }>(stack.jobManagerUrl, 'GET', `/jobs/${jobId}`)
    if (state === 'FINISHED') return
    if (['FAILED', 'CANCELED', 'RESTARTING'].includes(state) || signal.aborted) {
      const trouble = await request<object>(stack.jobManagerUrl, 'GET', `/jobs/${jobId}/exceptions`)
      await request(stack.jobManagerUrl, 'PATCH', `/jobs/${jobId}?mode=cancel`).catch(() => undefined)
      throw new Error(`the job is ${state}: ${JSON.stringify(trouble).slice(0, 4_000)}`)
    }
    await delay(200)
  }
}

/** All tables of a database as text. */
export async function tablesIn(url: string, plan: Plan): Promise<TextTables> {
  const stored = await readTables(url, plan)
  try {
    const tables = new Map<string, TextRow[]>()
    for (const table of stored.tables) {
      const rows: TextRow[] = []
      for await (const row of table.rows) rows.push(row)
      tables.set(table.name, rows)
    }
    return tables
  } finally {
    await stored.close()
  }
}
