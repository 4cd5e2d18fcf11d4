/**
 * Simulated logs in memory, as the partitions that readers of files would give.
 */
import { STREAM_NAMES, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import { AdTraffic } from '../../src/traffic/ad-traffic.ts'
import type { TrafficSettings } from '../../src/traffic/settings.ts'

/** One partition of a simulated log. */
export interface LogPartition {
  readonly stream: StreamName
  readonly partition: number
  readonly name: string
  readonly bytes: Uint8Array
}

/** A log, and the traffic that made it: finished, so that its truth is whole. */
export interface TrafficLog {
  readonly traffic: AdTraffic
  readonly partitions: readonly LogPartition[]
}

/** Makes a log of exactly `events` lines. `stepMs` divides the work into calls of `advance`; without it there is one. */
export function makeTrafficLog(
  plan: Plan,
  settings: TrafficSettings,
  events: number,
  options: { readonly stepMs?: number; readonly withTruth?: boolean } = {},
): TrafficLog {
  const traffic = new AdTraffic(plan, settings, { withTruth: options.withTruth ?? true })
  const chunks = new Map<string, Uint8Array[]>()
  const names = STREAM_NAMES.flatMap((stream) =>
    Array.from({ length: settings.partitions }, (_, partition) => ({
      stream,
      partition,
      name: `${stream}-${partition}`,
    })),
  )
  for (const { name } of names) chunks.set(name, [])
  let untilMs = settings.startMs
  while (traffic.linesWritten < events) {
    untilMs = options.stepMs === undefined ? Infinity : untilMs + options.stepMs
    traffic.advance(
      untilMs,
      (stream, partition, bytes, start, end) => chunks.get(`${stream}-${partition}`)?.push(bytes.slice(start, end)),
      events - traffic.linesWritten,
    )
  }
  traffic.finish()
  return { traffic, partitions: names.map((name) => ({ ...name, bytes: join(chunks.get(name.name) ?? []) })) }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.length
  }
  return joined
}

/** The lines of a partition without their line feeds. */
export function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start)
    const stop = end === -1 ? bytes.length : end
    lines.push(bytes.subarray(start, stop))
    start = stop + 1
  }
  return lines
}
