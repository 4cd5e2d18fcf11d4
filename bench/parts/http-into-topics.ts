/**
 * Events over HTTP that go into topics in place of the journal, each with all in-sync replicas before it is answered: one
 * broker, on the same two cores.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { planOf } from '../../src/pipeline/validate.ts'
import { preparePlanTopics } from '../../src/sinks/kafka/topic-lines.ts'
import type { Figure } from '../harness/figure.ts'
import { repeated, type BenchContext } from '../harness/part.ts'
import { WayIn, wayInCommand } from '../harness/way-in.ts'
import { BATCHES, SENDING, served, SINGLES, type Served } from './ingest.ts'

const PARTITIONS = 4
const SECONDS = 8

interface IntoTopics {
  readonly batches: Served
  readonly singles: Served
}

/** Figures of the way in alone, up to the answer. */
export async function httpFigures(context: BenchContext, brokers: string): Promise<readonly Figure[]> {
  const plan = planOf({ extends: 'ads' })
  await preparePlanTopics(plan, brokers, PARTITIONS, PARTITIONS)
  const runs = await repeated(context, 'HTTP into topics', async () => measure(context.dir, brokers))
  const command = `${wayInCommand(brokers)}\n${SENDING}`
  const figure = (name: string, pick: (run: IntoTopics) => number, unit: string): Figure => ({
    name: `HTTP into topics: ${name}`,
    values: runs.map(pick),
    unit,
    command,
  })
  return [
    figure('batches of 1,000, by processor time', ({ batches }) => batches.eventsPerCpuSecond, 'events/CPU-s'),
    figure('batches of 1,000 from 8 connections', ({ batches }) => batches.load.eventsPerSecond, 'events/s'),
    figure('the same, 99 of 100 within', ({ batches }) => batches.load.latencyMs.p99, 'ms'),
    figure('one event each, by processor time', ({ singles }) => singles.eventsPerCpuSecond, 'requests/CPU-s'),
    figure('one event each from 64 connections', ({ singles }) => singles.load.requestsPerSecond, 'requests/s'),
    figure('the same, 99 of 100 within', ({ singles }) => singles.load.latencyMs.p99, 'ms'),
  ]
}

async function measure(dir: string, brokers: string): Promise<IntoTopics> {
  const folder = await mkdtemp(`${dir}-into-topics-`)
  const wayIn = await WayIn.start(folder, brokers)
  try {
    return { batches: await served(wayIn, BATCHES, SECONDS), singles: await served(wayIn, SINGLES, SECONDS) }
  } finally {
    await wayIn.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
