/**
 * The partitions of a live pipeline: one of the journal for each stream that a source fills, named `source/stream`, or
 * `source/stream-0`, `source/stream-1` … where a source has several.
 *
 * P1  What is in the journal is read whether or not a source still fills it: what was acknowledged counts.
 * P2  A partition's name says its stream, so that it can be read by whoever has only the journal.
 */
import type { Plan, SourcePlan, StreamName } from '../pipeline/plan.ts'
import { STREAM_NAMES } from '../pipeline/plan.ts'

/** One partition of a live pipeline. */
export interface LivePartition {
  readonly name: string
  readonly stream: StreamName
}

/** The source of simulated traffic. No source of a definition can have this name: it has a hyphen. */
const TRAFFIC_SOURCE = 'simulated-traffic'

/** Partitions of the journal that a source of the plan fills; topics need none. */
export function partitionsOfSource(source: SourcePlan): readonly LivePartition[] {
  if (source.kind === 'kafka' || (source.kind === 'http' && source.into !== undefined)) return []
  const streams = source.kind === 'files' ? [source.stream] : STREAM_NAMES
  return streams.map((stream) => ({ stream, name: `${source.name}/${stream}` }))
}

/** Partitions of simulated traffic: `perStream` of impressions, then as many of clicks. */
export function partitionsOfTraffic(perStream: number): readonly LivePartition[] {
  return STREAM_NAMES.flatMap((stream) =>
    Array.from({ length: perStream }, (_, number) => ({ stream, name: `${TRAFFIC_SOURCE}/${stream}-${number}` })),
  )
}

/** The stream of a partition (P2); undefined for a name that is none of ours. */
export function streamOfPartition(name: string): StreamName | undefined {
  const stream = /\/(impressions|clicks)(-\d+)?$/.exec(name)?.[1]
  return STREAM_NAMES.find((known) => known === stream)
}

/** All partitions of a run: those of its sources, then those that only the journal still has (P1). */
export function livePartitions(
  plan: Plan,
  trafficPartitions: number,
  inJournal: readonly string[],
): readonly LivePartition[] {
  const filled = [...plan.sources.flatMap(partitionsOfSource), ...partitionsOfTraffic(trafficPartitions)]
  const left = inJournal.flatMap((name): LivePartition[] => {
    const stream = filled.some((partition) => partition.name === name) ? undefined : streamOfPartition(name)
    return stream === undefined ? [] : [{ name, stream }]
  })
  return [...filled, ...left]
}
