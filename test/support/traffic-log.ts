/**
 * Simulated logs in memory, as the partitions that readers of files would give.
 */
import fc from 'fast-check'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import { AdTraffic } from '../../src/traffic/ad-traffic.ts'
import { TRAFFIC_PRESETS, trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import type { DrivenPartition } from './engine-driver.ts'

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

/** A log as the engine is driven by it. */
export interface DrivenLog {
  readonly plan: Plan
  readonly partitions: readonly DrivenPartition[]
}

/**
 * Makes a log of exactly `events` lines. `stepMs` divides the work into calls of `advance`; without it there is one.
 */
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

/** Hostile logs of up to three partitions a stream under any of these parameters, with their plans. */
export function hostileLogs(parameters: fc.Arbitrary<ParametersDefinition>): fc.Arbitrary<DrivenLog> {
  return fc
    .record({
      parameters,
      seed: fc.integer({ min: 0, max: 1_000_000 }),
      rate: fc.constantFrom(1, 20, 200),
      partitions: fc.integer({ min: 1, max: 3 }),
      clickRatio: fc.constantFrom(0.1, 0.6),
      disorderMs: fc.constantFrom(0, 2_000, 20_000),
      events: fc.integer({ min: 1, max: 1_500 }),
    })
    .map(({ parameters: given, events, ...settings }) => {
      const plan = freezePlan({ ...adPipeline, parameters: given })
      const log = makeTrafficLog(plan, trafficSettings({ ...TRAFFIC_PRESETS.hostile, ...settings }), events)
      return { plan, partitions: log.partitions.map(({ stream, bytes }) => ({ stream, lines: linesOf(bytes) })) }
    })
}
