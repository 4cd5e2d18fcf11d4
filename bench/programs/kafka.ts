/**
 * Broker to tables with nothing in between: reads what the topics hold through the source of `run` into the engine, and
 * says what that took of this process.
 *
 *     node bench/programs/kafka.ts BROKERS TOPIC_SUFFIX [--fetch-only | --frame-only]
 *
 * The tables are those of the engine, handed out as an epoch once a second of our processor time (by the clock, a busy
 * machine would charge a full set of tables to a few events) and as a last whole; PostgreSQL's part of the work
 * is measured elsewhere. `--frame-only` takes the records out of their batches, checksums included, and nothing more;
 * `--fetch-only` looks at the headers of the batches alone.
 *
 * A rate is that of a process that is warm: the first quarter of the events is not counted, and what had changed by then
 * is handed out before. What the start and that quarter took is said apart.
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
import { openTopics, type FoundPartition } from '../../src/sources/kafka/open-topics.ts'
import { lastBatchOf } from '../../src/sources/kafka/record-batch.ts'

/** What it prints. */
export interface KafkaSpeed {
  readonly events: number
  readonly eventsPerCpuSecond: number
  readonly eventsPerSecond: number
  readonly megabytesPerCpuSecond: number
  /** Of the process, until it had read the first event's topics' offsets. */
  readonly startCpuSeconds: number
  /** Of the first quarter. */
  readonly warmUpCpuSeconds: number
}

const WARM_UP_SHARE = 0.25
/** How many polls apart the processor time is looked at: that is a call of the system. */
const LOOK_POLLS = 16
const FETCH = { maxWaitMs: 250, bytes: 16 << 20, partitionBytes: 1 << 20 }

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
let events = 0
for (const topic of (await cluster.topics(Object.values(source.topics))).values())
  events += (await cluster.offsets(topic, 'latest')).reduce((sum, end) => sum + end, 0)
const startCpuSeconds = cpuSeconds()
const meter = { isWarm: false, events: 0, bytes: 0, cpuSeconds: startCpuSeconds, clockMs: 0 }
const totals = mode === '--fetch-only' ? await fetchAll(found) : await readAll(mode === '--frame-only')
const measuredCpuSeconds = cpuSeconds() - meter.cpuSeconds
const speed: KafkaSpeed = {
  events: totals.events,
  eventsPerCpuSecond: (totals.events - meter.events) / measuredCpuSeconds,
  eventsPerSecond: ((totals.events - meter.events) * 1_000) / (performance.now() - meter.clockMs),
  megabytesPerCpuSecond: (totals.bytes - meter.bytes) / 1e6 / measuredCpuSeconds,
  startCpuSeconds,
  warmUpCpuSeconds: meter.cpuSeconds - startCpuSeconds,
}
await cluster.close()
rmSync(dir, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(speed)}\n`)

interface Totals {
  readonly events: number
  readonly bytes: number
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Begins to count once the process is warm. */
function noteWarm(totals: Totals, handOut: () => void): void {
  if (meter.isWarm || totals.events < events * WARM_UP_SHARE) return
  handOut()
  Object.assign(meter, { ...totals, isWarm: true, cpuSeconds: cpuSeconds(), clockMs: performance.now() })
}

async function fetchAll(partitions: readonly FoundPartition[]): Promise<Totals> {
  const offsets = partitions.map(() => 0)
  const totals = { events: 0, bytes: 0 }
  while (totals.events < events) {
    const targets = partitions.map(({ topicId, number }, index) => ({
      topicId,
      partition: number,
      offset: offsets[index] ?? 0,
    }))
    for (const { topicId, partition, bytes, giveBack } of await cluster.fetch(found[0]?.leader ?? -1, targets, FETCH)) {
      const index = partitions.findIndex((one) => one.topicId === topicId && one.number === partition)
      const { next } = lastBatchOf(bytes, offsets[index] ?? 0)
      totals.events += next - (offsets[index] ?? 0)
      totals.bytes += bytes.length
      offsets[index] = next
      giveBack?.()
    }
    noteWarm(totals, () => undefined)
  }
  return totals
}

async function readAll(isFramedOnly: boolean): Promise<Totals> {
  const pipeline = new Pipeline({
    plan,
    rollUps: plan.tables,
    partitions: found,
    deadLetters: { write: () => undefined },
    random: new Int32Array(16).fill(7),
  })
  const kafka = sourceFor(pipeline)
  let bytes = 0
  const count: OfferLines = (_partition, _block, start, end) => void (bytes += end - start)
  const offer: OfferLines = (partition, block, start, end, arrivalMs, floorMs, firstPosition) => {
    if (firstPosition !== undefined) pipeline.nextLineOf[partition] = firstPosition
    bytes += end - start
    pipeline.offerLines(partition, block, start, end, arrivalMs, floorMs)
  }
  const handOut = (): void => void pipeline.engine.changes()
  let wake: () => void = () => undefined
  let read = 0
  let epochCpuSeconds = cpuSeconds()
  kafka.onMore(() => wake())
  kafka.start((error) => {
    throw error
  })
  for (let polls = 1; read < events; polls++) {
    const more = new Promise<void>((resolve) => (wake = resolve))
    const hasMore = kafka.poll(isFramedOnly ? count : offer)
    read = Object.values(kafka.positions()).reduce((sum, position) => sum + position, 0)
    pipeline.engine.advance()
    noteWarm({ events: read, bytes }, handOut)
    if (polls % LOOK_POLLS === 0 && cpuSeconds() - epochCpuSeconds > 1) {
      handOut()
      epochCpuSeconds = cpuSeconds()
    }
    if (hasMore) await nextTurn()
    else if (read < events) await more
  }
  handOut()
  await kafka.stop()
  return { events: read, bytes }
}

function sourceFor(pipeline: Pipeline): KafkaSource {
  if (source?.kind !== 'kafka') throw new Error('the plan has no Kafka source')
  return new KafkaSource({
    name: source.name,
    topics: source.topics,
    cluster,
    partitions: found.map((partition, index) => ({ ...partition, index })),
    folder,
    watermarks: pipeline.engine.watermarks,
    addPartition: (partition) => pipeline.addPartition(partition),
    futureCount: (stream) => pipeline.engine.ledger.totalOf(stream === 'impressions' ? 0 : 1, FUTURE),
    clock: { nowMs: () => Date.now(), steadyMs: () => performance.now() },
    pause: async (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
    log: (_level, message) => process.stderr.write(`${message}\n`),
  })
}
