/**
 * A payload: what one snapshot adds to those before it.
 *
 *   header    magic, format version, epoch, first epoch of the chain that ends here
 *   sections  kind, length, body; one after another
 *
 * F1  A section holds absolute values by address (rows of a granule, cells by key, texts by code): whatever an earlier
 *     section said of an address is overridden. So sections of a chain are applied in order, and none has to be undone.
 * F2  Sections whose kind is at least `FIRST_MOMENTARY` describe one moment: only those of the last payload count.
 * F3  An unknown version is refused, and so is a chain with a gap.
 */
import { TidemarkError } from '../../errors.ts'
import { ByteReader, ByteWriter, damaged } from './bytes.ts'

const MAGIC = 0x54534d54
const VERSION = 1
const HEADER_BYTES = 24

/** Kinds of sections. A number never changes its meaning. */
export const SECTION = {
  impressionRows: 1,
  clickRows: 2,
  cells: 3,
  tuples: 4,
  texts: 5,
  ledger: 6,
  engine: 128,
  differences: 129,
  pipeline: 130,
} as const

const FIRST_MOMENTARY = 128

/** The body of one section, and what kind it is. */
export interface Section {
  readonly kind: number
  readonly body: ByteReader
}

/** What the header of a payload says. */
export interface PayloadHeader {
  readonly epoch: number
  /** The first epoch whose payload is needed to restore this one. */
  readonly since: number
}

/** Begins a section; {@link endSection} closes it. */
export function beginSection(kind: number, likelyBytes: number): ByteWriter {
  const writer = new ByteWriter(likelyBytes + 8)
  writer.u32(kind)
  writer.u32(0)
  return writer
}

export function endSection(writer: ByteWriter): Uint8Array {
  writer.patchU32(4, writer.length - 8)
  return writer.done()
}

export function headerBytes({ epoch, since }: PayloadHeader): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES)
  writer.u32(MAGIC)
  writer.u32(VERSION)
  writer.f64(epoch)
  writer.f64(since)
  return writer.done()
}

/** Reads the header of a payload. Throws `STATE_CORRUPT` or, of a newer version, `FORMAT_NEWER`. */
export function readHeader(payload: Uint8Array): PayloadHeader {
  const reader = new ByteReader(payload)
  if (reader.u32() !== MAGIC) throw damaged('it does not begin as a snapshot does')
  const version = reader.u32()
  if (version > VERSION)
    throw new TidemarkError(
      'FORMAT_NEWER',
      `The saved state of the engine has format version ${version}; this program reads version ${VERSION}.`,
      { fix: 'Run the version of Tidemark that wrote it, or count again: ./tidemark rebuild' },
    )
  if (version !== VERSION) throw damaged(`there never was a format version ${version}`)
  return { epoch: reader.f64(), since: reader.f64() }
}

/** The chain that ends in the last of these payloads: those it needs, in order, without gaps (F3). */
export function chainOf(payloads: readonly Uint8Array[]): readonly Uint8Array[] {
  const last = payloads.at(-1)
  if (last === undefined) throw damaged('there is none')
  const { since } = readHeader(last)
  const chain = payloads.filter((payload) => readHeader(payload).epoch >= since)
  chain.forEach((payload, i) => {
    const { epoch } = readHeader(payload)
    if (epoch !== since + i) throw damaged(`the part of epoch ${since + i} is missing`)
  })
  return chain
}

/** The sections of a payload that stay (F1), or those of its moment (F2). */
export function* sectionsOf(payload: Uint8Array, which: 'lasting' | 'momentary'): Generator<Section> {
  const reader = new ByteReader(payload, HEADER_BYTES)
  while (reader.hasMore) {
    const kind = reader.u32()
    const body = reader.part(reader.u32())
    if (kind >= FIRST_MOMENTARY === (which === 'momentary')) yield { kind, body }
  }
}
