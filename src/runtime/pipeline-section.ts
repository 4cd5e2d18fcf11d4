/**
 * What a pipeline adds to the snapshots of its engine: the secret keys and where each partition stands.
 */
import { type ByteReader, damaged } from '../engine/snapshot/bytes.ts'
import { beginSection, endSection, readHeader, SECTION, sectionsOf } from '../engine/snapshot/payload.ts'

const STATES = ['active', 'idle', 'ended'] as const

/** A partition by name. */
export interface SavedPartition {
  readonly name: string
  readonly highestMs: number
  readonly state: (typeof STATES)[number]
  readonly eventsRead: number
  readonly nextLine: number
}

/** What stands in the section. */
export interface SavedPipeline {
  readonly random: Int32Array
  readonly eventsRead: number
  readonly partitions: readonly SavedPartition[]
}

export function pipelineSection({ random, eventsRead, partitions }: SavedPipeline): Uint8Array {
  const writer = beginSection(SECTION.pipeline, 256 + partitions.length * 64)
  writer.u32(random.length)
  writer.column(random)
  writer.f64(eventsRead)
  writer.u32(partitions.length)
  for (const partition of partitions) {
    writer.text(partition.name)
    writer.f64(partition.highestMs)
    writer.u8(STATES.indexOf(partition.state))
    writer.f64(partition.eventsRead)
    writer.f64(partition.nextLine)
  }
  return endSection(writer)
}

/** Reads the section of the last of these payloads. Throws `STATE_CORRUPT` or `FORMAT_NEWER`. */
export function readPipelineSection(payloads: readonly Uint8Array[]): SavedPipeline {
  const last = payloads.at(-1)
  if (last === undefined) throw damaged('there is none')
  readHeader(last)
  const section = [...sectionsOf(last, 'momentary')].find(({ kind }) => kind === SECTION.pipeline)
  if (section === undefined) throw damaged('it does not say where its partitions stand')
  const { body } = section
  const random = new Int32Array(body.u32())
  body.into(random)
  const eventsRead = body.f64()
  return { random, eventsRead, partitions: Array.from({ length: body.u32() }, () => savedPartition(body)) }
}

function savedPartition(body: ByteReader): SavedPartition {
  const name = body.text()
  const highestMs = body.f64()
  const state = STATES[body.u8()]
  if (state === undefined) throw damaged('a partition has no state')
  return { name, highestMs, state, eventsRead: body.f64(), nextLine: body.f64() }
}
