/**
 * The topics of a source at the start of a run: what they are, and where each partition is read on from.
 *
 * O1  A partition is read on from the epoch's position. One that was never read begins where the source says; one that
 *     was added since the source was first read begins at its first record.
 * O2  What was counted must still fit: another topic of that name, offsets that are gone or cut back, are a gap.
 */
import { TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type KafkaSourcePlan, type StreamName } from '../../pipeline/plan.ts'
import type { Positions } from '../../runtime/ports.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import type { KafkaFolder, KnownTopic } from './kafka-folder.ts'
import { checkOffset, partitionName, recreated, type KafkaPartition } from './partition.ts'

/** A partition at the start of a run. */
export type FoundPartition = KafkaPartition & { readonly leader: number }

export interface OpenTopicsOptions {
  readonly source: KafkaSourcePlan
  readonly cluster: Cluster
  readonly folder: KafkaFolder
  /** Of the epoch that the tables hold. */
  readonly positions: Positions
  readonly pause: (ms: number) => Promise<void>
}

const ATTEMPTS = 6
const FIRST_RETRY_MS = 250

/**
 * Looks the topics up and remembers them.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED, KAFKA_GAP; INPUT_MISSING where a topic does not exist
 */
export async function openTopics(options: OpenTopicsOptions): Promise<readonly FoundPartition[]> {
  const { source, cluster } = options
  const found = await patiently(options, async () => cluster.topics(STREAM_NAMES.map((name) => source.topics[name])))
  const partitions: FoundPartition[] = []
  for (const stream of STREAM_NAMES) {
    const info = found.get(source.topics[stream])
    if (info === undefined) throw missing(source, source.topics[stream])
    partitions.push(...(await patiently(options, async () => openTopic(options, stream, info))))
  }
  return partitions
}

async function openTopic(
  { source, cluster, folder, positions }: OpenTopicsOptions,
  stream: StreamName,
  info: TopicInfo,
): Promise<readonly FoundPartition[]> {
  const known = folder.topicOf(source.name, stream)
  const positionOf = (number: number): number | undefined => positions[partitionName(source.name, stream, number)]
  checkKnown(source, info, known, positionOf(0) ?? 0)
  const [first, end] = await Promise.all([cluster.offsets(info, 'earliest'), cluster.offsets(info, 'latest')])
  const starts = known === undefined && source.startFrom === 'latest' ? end : first
  const from = info.leaders.map((_, number) => {
    const began = known?.from[number] ?? starts[number] ?? 0
    return positionOf(number) === undefined ? Math.max(began, first[number] ?? 0) : began
  })
  folder.remember(source.name, stream, { topic: info.name, id: info.id, from })
  return info.leaders.map((leader, number) => {
    const position = positionOf(number) ?? from[number] ?? 0
    checkOffset({ topic: info.name, number, position }, first[number] ?? 0, end[number] ?? 0)
    const name = partitionName(source.name, stream, number)
    const leaderEpoch = folder.leaderEpochAt(name, position)
    const known = { name, stream, topic: info.name, topicId: info.id, number, position, leader }
    return leaderEpoch === undefined ? known : { ...known, leaderEpoch }
  })
}

function checkKnown(source: KafkaSourcePlan, info: TopicInfo, known: KnownTopic | undefined, position: number): void {
  if (known === undefined) return
  if (known.topic !== info.name)
    throw new TidemarkError('KAFKA_REFUSED', `Source "${source.name}" has read ${known.topic}, not ${info.name}.`, {
      where: `sources.${source.name}.topics`,
      fix: 'give the source another name to read another topic: its offsets belong to its name',
    })
  if (known.id !== info.id) throw recreated({ topic: info.name, number: 0, position })
}

/** A broker that just starts, or a partition that just has no leader, is asked again. */
async function patiently<T>({ pause }: OpenTopicsOptions, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TidemarkError) || !error.retryable || attempt === ATTEMPTS) throw error
      await pause(FIRST_RETRY_MS * 2 ** (attempt - 1))
    }
  }
}

function missing({ name, brokers }: KafkaSourcePlan, topic: string): TidemarkError {
  return new TidemarkError('INPUT_MISSING', `Source "${name}": there is no topic ${topic} at ${brokers}.`, {
    where: topic,
    fix: `make it, or let \`./tidemark generate --kafka ${brokers} --live\` make both`,
  })
}
