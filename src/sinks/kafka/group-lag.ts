/**
 * How far a consumer group is behind the ends of its topics.
 */
import { withAdmin } from './topics.ts'

/**
 * Records that a group has not committed yet, by topic.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function groupLag(
  brokers: string,
  groupId: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  return withAdmin(brokers, async (admin) => {
    const { topics: described } = await admin.metadata({ topics: [...topics] })
    const asked = [...described].map(([name, { partitionsCount }]) => ({
      name,
      partitions: Array.from({ length: partitionsCount }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n })),
    }))
    const [ends, [group]] = [
      await admin.listOffsets({ topics: asked }),
      await admin.listConsumerGroupOffsets({ groups: [groupId] }),
    ]
    const committed = new Map(
      (group?.topics ?? []).flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset }) => [`${name}/${partitionIndex}`, committedOffset]),
      ),
    )
    return new Map(
      ends.map(({ name, partitions }) => {
        const behind = partitions.map(({ partitionIndex, offset }) => {
          const done = committed.get(`${name}/${partitionIndex}`) ?? 0n
          return Number(offset - (done < 0n ? 0n : done))
        })
        return [name, behind.reduce((sum, records) => sum + records, 0)]
      }),
    )
  })
}
