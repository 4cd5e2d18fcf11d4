/**
 * Broker to tables with nothing in between: reads what the topics hold through the source of `run` into the engine, and
 * says what that took of this process.
 *
 *     node bench/programs/kafka.ts BROKERS TOPIC_SUFFIX [--frame-only]
 *
 * The tables are those of the engine, handed out as an epoch once a second of our processor time (by the clock, a busy
 * machine would charge a full set of tables to a few events) and as a last whole; PostgreSQL's part of the work
 * is measured elsewhere. `--frame-only` takes the records out of their batches, checksums included, and nothing more.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { FUTURE } from '../../src/engine/ledger.ts'
import type { OfferLines } from '../../src/runtime/live-run.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { Cluster } from '../../src/sources/kafka/cluster.ts'
import { KafkaFolder } from '../../src/sources/kafka/kafka-folder.ts'
import { KafkaSource } from '../../src/sources/kafka/kafka-source.ts'
import { openTopics } from '../../src/sources/kafka/open-topics.ts'

/** What it prints. */
export interface KafkaSpeed {
  readonly events: number
  readonly eventsPerCpuSecond: number
  readonly eventsPerSecond: number
  readonly megabytesPerCpuSecond: number
}

const [brokers = '', suffix = '', mode = ''] = process.argv.slice(2)
const plan = planOf({
  ...adPipeline,
  sources: {
    kafka: { kind: 'kafka', brokers, topics: { impressions: `impressions-${suffix}`, clicks: `clicks-${suffix}` } },
  },
})
const [source] = plan.sources
if (source?.kind !== 'kafka') throw new Error('the plan has no Kafka source')
const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-kafka-'))
const cluster = new Cluster({ brokers })
const folder = new KafkaFolder(dir)
const wait = async (ms: number): Promise<void> => delay(ms)
const found = await openTopics({ source, cluster, folder, positions: {}, pause: wait })
const pipeline = new Pipeline({
  plan,
  rollUps: plan.tables,
  partitions: found,
  deadLetters: { write: () => undefined },
  random: new Int32Array(16).fill(7),
})
const kafka = new KafkaSource({
  name: source.name,
  topics: source.topics,
  cluster,
  partitions: found.map((partition, index) => ({ ...partition, index })),
  folder,
  watermarks: pipeline.engine.watermarks,
  addPartition: (partition) => pipeline.addPartition(partition),
  futureCount: (stream) => pipeline.engine.ledger.totalOf(stream === 'impressions' ? 0 : 1, FUTURE),
  clock: { nowMs: () => Date.now(), steadyMs: () => performance.now() },
  pause: async (ms) => delay(ms),
  log: (_level, message) => process.stderr.write(`${message}\n`),
})
let bytes = 0
let framed = 0
const count: OfferLines = (_partition, _block, start, end) => void (bytes += end - start)
const offer: OfferLines = (partition, block, start, end, arrivalMs, floorMs, firstPosition) => {
  if (firstPosition !== undefined) pipeline.nextLineOf[partition] = firstPosition
  bytes += end - start
  pipeline.offerLines(partition, block, start, end, arrivalMs, floorMs)
}
const fatal = (error: unknown): never => {
  throw error
}
let events = 0
for (const topic of (await cluster.topics(Object.values(source.topics))).values())
  events += (await cluster.offsets(topic, 'latest')).reduce((sum, end) => sum + end, 0)
const startMs = performance.now()
const before = process.cpuUsage()
const cpuSecondsSoFar = (): number => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
let wake: () => void = () => undefined
kafka.onMore(() => wake())
kafka.start(fatal)
for (let epochSeconds = 0; framed < events;) {
  const more = new Promise<void>((resolve) => (wake = resolve))
  const hasMore = kafka.poll(mode === '--frame-only' ? count : offer)
  framed = Object.values(kafka.positions()).reduce((sum, position) => sum + position, 0)
  if (mode !== '--frame-only') pipeline.engine.advance()
  if (cpuSecondsSoFar() - epochSeconds > 1) {
    pipeline.engine.changes()
    epochSeconds = cpuSecondsSoFar()
  }
  if (hasMore) await nextTurn()
  else if (framed < events) await more
}
pipeline.engine.changes()
const cpuSeconds = cpuSecondsSoFar()
const speed: KafkaSpeed = {
  events: framed,
  eventsPerCpuSecond: framed / cpuSeconds,
  eventsPerSecond: (framed * 1_000) / (performance.now() - startMs),
  megabytesPerCpuSecond: bytes / 1e6 / cpuSeconds,
}
await kafka.stop()
rmSync(dir, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(speed)}\n`)
