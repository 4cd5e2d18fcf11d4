/**
 * Partitions as people call them: `partition 2 of clicks`. The full name, `orders/clicks-2`, says the source as well,
 * and is told only where two would be called the same without it.
 */
import type { PartitionStatus } from '../../../src/runtime/status.ts'

/** What a name needs. */
export type NamedPartition = Pick<PartitionStatus, 'stream' | 'name'>

/** Names of partitions, in their order; no two of different partitions are equal. */
export function partitionNames(partitions: readonly NamedPartition[]): readonly string[] {
  const calls = partitions.map(callOf)
  const sources = Map.groupBy(
    new Map(calls.map((call) => [`${call.stream} ${call.source}`, call])).values(),
    ({ stream }) => stream,
  )
  const texts = calls.map(({ stream, short, from, isNumbered }) => {
    const isOnly = sources.get(stream)?.length === 1
    return { short, text: isOnly || isNumbered ? short : `${short} from ${from}`, long: `${short} from ${from}` }
  })
  const uses = countOf(texts.map(({ text }) => text))
  const longUses = countOf(texts.map(({ long }) => long))
  return texts.map(({ text, long }, index) => {
    if (uses.get(text) === 1) return text
    return longUses.get(long) === 1 ? long : fullName(partitions[index])
  })
}

/** The name of one of them, by its full name; that itself where it is none of them. */
export function partitionName(partitions: readonly NamedPartition[], full: string): string {
  const index = partitions.findIndex(({ name }) => name === full)
  return partitionNames(partitions)[index] ?? full
}

/** What tells a partition from all others, for whoever wants to know. */
export function fullName(partition: NamedPartition | undefined): string {
  return partition === undefined ? '' : `${partition.stream}: ${partition.name}`
}

interface Call {
  readonly stream: string
  readonly source: string
  readonly short: string
  /** What it comes from, as it is told where `short` is not enough. */
  readonly from: string
  readonly isNumbered: boolean
}

function callOf({ stream, name }: NamedPartition): Call {
  const [, source, named, number] = /^(.*)\/(impressions|clicks)(?:-(\d+))?$/.exec(name) ?? []
  // A file of a replay: its folder is told only by the full name.
  if (source === undefined || named !== stream)
    return { stream, source: name, short: stream, from: name.slice(name.lastIndexOf('/') + 1), isNumbered: false }
  const short = number === undefined ? stream : `partition ${number} of ${stream}`
  return { stream, source, short, from: source, isNumbered: number !== undefined }
}

function countOf(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}
