/**
 * Simulated traffic into the stack's Kafka: `generate --live`, as a part that is kept running like the others.
 */
import { join } from 'node:path'
import { adPipeline } from '../pipeline/ad-pipeline.ts'
import { STREAM_NAMES } from '../pipeline/plan.ts'
import { planOf } from '../pipeline/validate.ts'
import { askKafka, topicPartitions } from '../sinks/kafka/topics.ts'
import type { StackPart } from './part.ts'
import { stackUrls, type StackSettings } from './settings.ts'

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts')
const PARTITIONS = 4

/** Each start has a seed of its own: with the last one's it would send the same ids again. */
export function trafficPart(settings: StackSettings): StackPart {
  const { brokers } = stackUrls(settings.ports)
  const { streams } = planOf(adPipeline)
  const topics = STREAM_NAMES.map((stream) => streams[stream].topic)
  return {
    name: 'traffic',
    command: () => [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      MAIN,
      'generate',
      '--live',
      '--kafka',
      brokers,
      '--seed',
      String(Date.now()),
      '--partitions',
      String(PARTITIONS),
      ...(settings.trafficRate === undefined ? [] : ['--rate', String(settings.trafficRate)]),
    ],
    env: {},
    address: brokers,
    ports: [],
    canStart: async () =>
      askKafka(brokers).then(
        () => true,
        () => false,
      ),
    isReady: async () =>
      topicPartitions(brokers, topics).then(
        (partitions) => partitions.size === topics.length,
        () => false,
      ),
  }
}
