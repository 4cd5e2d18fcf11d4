/**
 * From a broker on this machine into the tables of the engine, in one process of ours.
 */
import { join } from 'node:path'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { preparePlanTopics, TopicLines } from '../../src/sinks/kafka/topic-lines.ts'
import { jarCache, portsFrom, stackHome, stackUrls } from '../../src/stack/settings.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import { standardRate, TRAFFIC_PRESETS, trafficSettings } from '../../src/traffic/settings.ts'
import { generateLog } from '../../src/traffic/writers/generate-log.ts'
import { commandText, measureNode } from '../harness/child.ts'
import { median, type Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext, type BenchPart, type Findings } from '../harness/part.ts'
import type { KafkaSpeed } from '../programs/kafka.ts'
import { flinkFigures } from './flink-on-kafka.ts'
import { httpFigures } from './http-into-topics.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'kafka.ts')
const KAFKA_PORT = 29_692
const FLINK_PORT = 29_694
const PARTITIONS = 4
const MAX_EVENTS = 4_000_000

export const kafkaPart: BenchPart = {
  name: 'kafka',
  title: 'From Kafka',
  async measure(context) {
    const dataDir = join(context.dir, 'kafka')
    const ports = portsFrom(KAFKA_PORT, FLINK_PORT)
    const home = stackHome(dataDir)
    const settings = { home, cacheDir: jarCache(), groups: ['kafka'] as const, ports, taskManagerHeapMb: 256, dataDir }
    await stackUp(settings, { log: context.say, signal: AbortSignal.timeout(600_000) })
    try {
      return await measureBroker(context, stackUrls(ports).brokers)
    } finally {
      await stackDown(home)
    }
  },
}

async function measureBroker(context: BenchContext, brokers: string): Promise<Findings> {
  const events = Math.min(context.events, MAX_EVENTS)
  const suffix = `bench-${events}-${Date.now()}`
  context.say(`${events.toLocaleString('en-US')} events to the topics`)
  const plan = benchPlan(suffix)
  await fillTopics(plan, brokers, events)
  const measure = async (what: string, options: readonly string[]): Promise<Measured> => {
    const args = [PROGRAM, brokers, suffix, ...options]
    const run = async (): Promise<KafkaRun> => {
      const { stdout, peakRssBytes } = await measureNode(args)
      return { ...(JSON.parse(stdout) as KafkaSpeed), peakMegabytes: peakRssBytes / 1e6 }
    }
    return { runs: await repeated(context, what, run), command: commandText(args) }
  }
  const fetched = await measure('record batches', ['--fetch-only'])
  const framed = await measure('record batches to lines', ['--frame-only'])
  const whole = await measure('broker to tables', [])
  const http = await httpFigures(context, brokers)
  const flink = await flinkFigures(context, plan, brokers)
  return { figures: [...figuresOf(fetched, framed, whole), ...http, ...flink] }
}

interface KafkaRun extends KafkaSpeed {
  readonly peakMegabytes: number
}

interface Measured {
  readonly runs: readonly KafkaRun[]
  readonly command: string
}

function figuresOf(fetched: Measured, framed: Measured, whole: Measured): readonly Figure[] {
  const figure = (name: string, { runs, command }: Measured, key: keyof KafkaRun, unit: string): Figure => ({
    name,
    values: runs.map((run) => run[key]),
    unit,
    command,
  })
  const note = `${PARTITIONS} partitions of each topic, uncompressed, checksums verified; the broker is on the same two cores`
  return [
    {
      ...figure('broker to tables, for a second of our processor time', whole, 'eventsPerCpuSecond', 'events'),
      target: { atLeast: 800_000 },
      note,
    },
    figure('broker to tables, peak memory', whole, 'peakMegabytes', 'MB'),
    figure('fetched, verified and framed only', framed, 'eventsPerCpuSecond', 'events'),
    figure('the same in bytes', framed, 'megabytesPerCpuSecond', 'MB'),
    figure('fetched only', fetched, 'eventsPerCpuSecond', 'events'),
    figure('the same in bytes', fetched, 'megabytesPerCpuSecond', 'MB'),
    {
      ...shareOf('what the topics cost of the whole', whole, framed),
      note: 'fetched, verified and framed; the rest is decoding, the engine and its tables',
    },
    figure('broker to tables, on the clock', whole, 'eventsPerSecond', 'events/s'),
    {
      ...figure('start, not counted above', whole, 'startCpuSeconds', 's'),
      note: 'processor time of this program, until it knows where each partition ends',
    },
    { ...figure('first quarter, not counted above', whole, 'warmUpCpuSeconds', 's'), note: 'compiling included' },
  ]
}

function shareOf(name: string, whole: Measured, part: Measured): Figure {
  const partSpeed = median(part.runs.map((run) => run.eventsPerCpuSecond))
  const values = whole.runs.map((run) => (100 * run.eventsPerCpuSecond) / partSpeed)
  return { name, values, unit: '%', command: whole.command }
}

function benchPlan(suffix: string): Plan {
  const base = planOf({ ...adPipeline })
  const { impressions, clicks } = base.streams
  const streams = {
    impressions: { ...impressions, topic: `impressions-${suffix}` },
    clicks: { ...clicks, topic: `clicks-${suffix}` },
  }
  return { ...base, streams }
}

async function fillTopics(plan: Plan, brokers: string, events: number): Promise<void> {
  await preparePlanTopics(plan, brokers, PARTITIONS, PARTITIONS)
  const target = new TopicLines(plan, brokers)
  const settings = trafficSettings({
    rate: standardRate(events),
    ...TRAFFIC_PRESETS.standard,
    partitions: PARTITIONS,
  })
  try {
    await generateLog({ plan, settings, events, target })
  } finally {
    await target.close()
  }
}
