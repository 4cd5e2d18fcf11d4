/**
 * A job on a real Flink that is fed bit by bit, and whose tables are held against the recount of all that was sent.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { isRunning } from '../../src/database/process-identity.ts'
import { jobName } from '../../src/flink/flink-sql.ts'
import { request } from '../../src/flink/job/gateway.ts'
import { STREAM_NAMES, type Plan } from '../../src/pipeline/plan.ts'
import { allTables, textColumns, type TextRow, type TextTables } from '../../src/pipeline/table-text.ts'
import { TopicWriter } from '../../src/sinks/kafka/topic-writer.ts'
import { readJobRecord, type JobRecord } from '../../src/stack/jobs/job-records.ts'
import { readState, type PartState } from '../../src/stack/state-file.ts'
import { asFlinkLedger } from '../../src/verify/flink-ledger.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { recount } from '../../src/verify/recount.ts'
import { eventually } from './eventually.ts'
import { tablesIn, type LinePartition } from './flink-driver.ts'
import { runProgram } from './run-program.ts'
import { STACK_DEADLINE_MS, type TestStack } from './stack.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'tidemark')

/** How a job on Flink is fed, broken and judged. */
export class FaultRig {
  readonly #stack: TestStack
  readonly #plan: Plan
  /** Whole partitions; a slice of each is sent at a time. */
  readonly #partitions: readonly LinePartition[]
  readonly #slices: number
  #sent: LinePartition[]
  #next = 0

  constructor(stack: TestStack, plan: Plan, partitions: readonly LinePartition[], slices: number) {
    this.#stack = stack
    this.#plan = plan
    this.#partitions = partitions
    this.#slices = slices
    this.#sent = partitions.map(({ stream }) => ({ stream, lines: [] }))
  }

  /** Runs `tidemark ARGS` on the stack's data folder, and expects it to do what it is told. */
  async command(...args: readonly string[]): Promise<string> {
    const { dataDir } = this.#stack.settings
    const all = [...args, '--data-dir', dataDir, '--definition', this.definitionFile]
    const { code, stdout, stderr } = await runProgram(LAUNCHER, all, { timeoutMs: STACK_DEADLINE_MS })
    assert.equal(code, 0, `tidemark ${args.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }

  /** Resolves once `done` says so. */
  async until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(what, done, STACK_DEADLINE_MS)
  }

  /** Sends the next slice of each partition. */
  async send(): Promise<void> {
    const slice = this.#next++
    const from = (lines: readonly Uint8Array[], at: number): number => Math.floor((lines.length * at) / this.#slices)
    await this.sendLines(
      this.#partitions.map(({ stream, lines }) => ({
        stream,
        lines: lines.slice(from(lines, slice), from(lines, slice + 1)),
      })),
    )
  }

  /** Sends lines, one list for each partition. */
  async sendLines(partitions: readonly LinePartition[]): Promise<void> {
    const writer = new TopicWriter(this.#stack.brokers)
    try {
      const counts = { impressions: 0, clicks: 0 }
      for (const { stream, lines } of partitions) {
        const partition = counts[stream]++
        const { topic } = this.#plan.streams[stream]
        for (const line of lines) writer.add({ topic, partition, key: undefined, value: Buffer.from(line) })
      }
      await writer.flush()
    } finally {
      await writer.close()
    }
    this.#sent = this.#sent.map(({ stream, lines }, index) => ({
      stream,
      lines: [...lines, ...(partitions[index]?.lines ?? [])],
    }))
  }

  /** Waits until every cell but `is_final` equals the recount of all that was sent. */
  async eventuallyExact(): Promise<void> {
    const expected = this.expected()
    let found: TextTables = new Map()
    const isExact = async (): Promise<boolean> => {
      const now = await tablesIn(this.databaseUrl, this.#plan).catch(() => undefined)
      if (now === undefined) return false
      found = withoutFinal(this.#plan, now)
      return JSON.stringify([...found]) === JSON.stringify([...withoutFinal(this.#plan, expected)])
    }
    await eventually('the tables equal the recount', isExact, STACK_DEADLINE_MS).catch(() => undefined)
    assert.deepEqual(found, withoutFinal(this.#plan, expected))
  }

  /** What all that was sent comes to, with Flink's ledger. */
  expected(): TextTables {
    const named = this.#sent.map((partition, index) => ({ ...partition, name: String(index) }))
    const { tables } = recount(this.#plan, named, decodeUtf8)
    return new Map(
      [...tables].map(([name, rows]) => [name, name === this.#plan.ledger.name ? asFlinkLedger(rows) : rows]),
    )
  }

  /** The plan as a file for commands. */
  get definitionFile(): string {
    return join(this.#stack.settings.dataDir, 'definition.json')
  }

  get databaseUrl(): string {
    return readState(this.#stack.settings.home)?.databaseUrl ?? ''
  }

  part(name: string): PartState {
    const part = readState(this.#stack.settings.home)?.parts.find((candidate) => candidate.name === name)
    if (part === undefined) throw new Error(`the stack has no part ${name}`)
    return part
  }

  record(): JobRecord {
    const record = readJobRecord(this.#stack.settings.home, jobName(this.#plan))
    if (record === undefined) throw new Error('no job was started')
    return record
  }

  /** Kills a part without a word; gives its state before. */
  kill(name: string): PartState {
    const before = this.part(name)
    assert.ok(before.process !== undefined && isRunning(before.process), `${name} runs`)
    process.kill(before.process.pid, 'SIGKILL')
    return before
  }

  /** Waits until a part that was ended is ready again. */
  async restarted(before: PartState): Promise<PartState> {
    await eventually(
      `${before.name} is started again`,
      () => this.part(before.name).restarts > before.restarts && this.part(before.name).status === 'ready',
      STACK_DEADLINE_MS,
    )
    return this.part(before.name)
  }

  /** Waits until Flink has taken one more checkpoint of the running job. */
  async checkpointed(): Promise<void> {
    const completed = async (): Promise<number> => (await this.checkpointCounts()).completed
    const before = await completed().catch(() => 0)
    await eventually('one more checkpoint', async () => (await completed().catch(() => 0)) > before, STACK_DEADLINE_MS)
  }

  async checkpointCounts(): Promise<{ readonly completed: number; readonly restored: number }> {
    const path = `/jobs/${this.record().jobId}/checkpoints`
    const { counts } = await request<{ counts: { completed: number; restored: number } }>(
      this.#stack.jobManagerUrl,
      'GET',
      path,
    )
    return counts
  }

  /** An event for each partition, far behind all others in event time: what came before is final. */
  closing(timeMs: number): readonly LinePartition[] {
    return this.#partitions.map(({ stream }, index) => {
      const { idField, eventTimeField, impressionIdField } = this.#plan.streams[stream]
      const ids = { [idField]: `closing-${index}`, ...(stream === 'clicks' ? { [impressionIdField]: 'none' } : {}) }
      return { stream, lines: [Buffer.from(JSON.stringify({ ...ids, [eventTimeField]: timeMs }))] }
    })
  }
}

/** Rows of all tables before a time. */
export function rowsBefore(plan: Plan, tables: TextTables, timeMs: number): TextTables {
  const until = new Date(timeMs).toISOString()
  return mapTables(plan, tables, (columns, row) =>
    (row[columns.indexOf('window_start')] ?? '') < until ? row : undefined,
  )
}

function withoutFinal(plan: Plan, tables: TextTables): TextTables {
  return mapTables(plan, tables, (columns, row) => row.filter((_, index) => columns[index] !== 'is_final'))
}

function mapTables(
  plan: Plan,
  tables: TextTables,
  change: (columns: readonly string[], row: TextRow) => TextRow | undefined,
): TextTables {
  const columnsOf = new Map(allTables(plan).map((table) => [table.name, textColumns(table).map(({ name }) => name)]))
  return new Map(
    [...tables].map(([name, rows]) => [
      name,
      rows.flatMap((row) =>
        [change(columnsOf.get(name) ?? [], row)].flatMap((one) => (one === undefined ? [] : [one])),
      ),
    ]),
  )
}

/** The partitions of each stream, at least one. */
export function partitionsOf(plan: Plan, partitions: readonly LinePartition[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    STREAM_NAMES.map((stream) => [
      plan.streams[stream].topic,
      partitions.filter((one) => one.stream === stream).length,
    ]),
  )
}
