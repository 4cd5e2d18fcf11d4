/**
 * Torn tails and damage, told apart by T1 to T4.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32c } from '../../../src/checkpoint/format/crc32c.ts'
import { BLOCK_HEADER_BYTES, encodeBlockHeader } from '../../../src/checkpoint/format/journal-block.ts'
import { decodeSegmentHeader } from '../../../src/checkpoint/format/journal-segment.ts'
import type { Appended } from '../../../src/checkpoint/journal/group.ts'
import { append, linesOf, openJournal, readAll } from '../../support/journal-rig.ts'
import { SimulatedDisk } from '../../support/simulated-disk.ts'

const NAME = 'p'
const PATH = '/data/journal/p/0000000000000000.journal'
/** 2,000 bytes of lines: some sectors are theirs alone. */
const LONG = [10, 200] as const
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

interface Written {
  readonly disk: SimulatedDisk
  readonly blocks: readonly Appended[]
  /** Byte of the file at which a block begins. */
  readonly at: (block: number) => number
}

/** One group of blocks after the other. */
async function written(groups: readonly (readonly Uint8Array[])[]): Promise<Written> {
  const disk = new SimulatedDisk()
  const journal = await openJournal(disk)
  const blocks: Appended[] = []
  for (const group of groups) blocks.push(...(await Promise.all(group.map((lines) => append(journal, NAME, lines)))))
  await journal.close()
  const header = decodeSegmentHeader(disk.bytes(PATH))
  const headerBytes = 'byteLength' in header ? header.byteLength : NaN
  return { disk, blocks, at: (block) => headerBytes + (blocks[block]?.offset ?? NaN) }
}

function zeroSector(bytes: Uint8Array, from: number): void {
  const start = Math.ceil(from / 512) * 512
  bytes.fill(0, start, start + 512)
}

const [A, B, C] = ['a', 'b', 'c'].map((name) => linesOf(name, ...LONG)) as [Uint8Array, Uint8Array, Uint8Array]

describe('the end of a journal', () => {
  it('T2: a sector of zeros in what was written last is torn: it is cut, and told', async () => {
    const { disk, blocks, at } = await written([[A], [B]])
    zeroSector(disk.bytes(PATH), at(1))
    const journal = await openJournal(disk)
    assert.deepEqual(readAll(journal, NAME), [text(A)])
    assert.deepEqual(journal.cuts, [
      { partition: NAME, path: PATH, at: at(1), offset: blocks[1]?.offset, byteLength: BLOCK_HEADER_BYTES + B.length },
    ])
    await append(journal, NAME, C)
    assert.deepEqual(readAll(await openJournal(disk), NAME), [text(A), text(C)])
  })

  it('T2: so it is where a later block of the same group is whole: none of them was acknowledged', async () => {
    const { disk, at } = await written([[A], [B, C]])
    zeroSector(disk.bytes(PATH), at(1))
    assert.deepEqual(readAll(await openJournal(disk), NAME), [text(A)])
  })

  it('T1: a later group says that it was durable: damage', async () => {
    const { disk, blocks, at } = await written([[A], [B], [C]])
    zeroSector(disk.bytes(PATH), at(1))
    await assert.rejects(openJournal(disk), (error: Error & { code?: string; where?: string; fix?: string }) => {
      assert.equal(error.code, 'JOURNAL_CORRUPT')
      assert.equal(error.where, PATH)
      assert.match(error.message, new RegExp(`byte ${at(1)}: .*before logical offset ${blocks[1]?.offset} is intact`))
      assert.match(error.fix ?? '', new RegExp(`truncate -s ${at(1)} '${PATH}'`))
      return true
    })
    disk.put(PATH, disk.bytes(PATH).slice(0, at(1)))
    assert.deepEqual(readAll(await openJournal(disk), NAME), [text(A)], 'the way out that it names works')
  })

  it('T3: other bytes than were written are damage, also in what was written last', async () => {
    for (const [what, place] of [
      ['header', 20],
      ['lines', BLOCK_HEADER_BYTES + 700],
    ] as const) {
      const { disk, at } = await written([[A], [B]])
      const bytes = disk.bytes(PATH)
      bytes[at(1) + place] = (bytes[at(1) + place] as number) ^ 4
      await assert.rejects(openJournal(disk), { code: 'JOURNAL_CORRUPT' }, what)
    }
  })

  it('T2: a file that ends early, or grew by zeros only, is torn', async () => {
    for (const grow of [1, 47, 48, 511, 4_096]) {
      const { disk } = await written([[A]])
      disk.put(PATH, new Uint8Array([...disk.bytes(PATH), ...new Uint8Array(grow)]))
      const journal = await openJournal(disk)
      assert.equal(journal.cuts[0]?.byteLength, grow)
      assert.deepEqual(readAll(journal, NAME), [text(A)])
    }
  })

  it('T4: lines that imitate a block of a later group do not make a torn tail pass for damage (B2 of journal-block)', async () => {
    for (const [salt, expected] of [
      [12_345, 'cut'],
      [0x9e3779b1, 'refused'],
    ] as const) {
      const probe = await written([[A], [B]])
      const offset = probe.blocks[1]?.offset ?? NaN
      const imitated = imitation(salt, offset + BLOCK_HEADER_BYTES)
      const { disk, at } = await written([[A], [new Uint8Array([...imitated, ...B])]])
      zeroSector(disk.bytes(PATH), at(1) + BLOCK_HEADER_BYTES + imitated.length)
      const opened = openJournal(disk)
      if (expected === 'cut') assert.deepEqual(readAll(await opened, NAME), [text(A)])
      else await assert.rejects(opened, { code: 'JOURNAL_CORRUPT' }, 'control: who knew the salt could')
    }
  })

  it('F2 of journal-segment: a newer version is refused as such', async () => {
    const { disk } = await written([[A]])
    disk.put(PATH, disk.bytes(PATH).with(8, 2))
    await assert.rejects(openJournal(disk), { code: 'FORMAT_NEWER', message: /version 2; .* up to 1/ })
  })

  it('a partition in a folder of another name is refused', async () => {
    const { disk } = await written([[A]])
    disk.makeFolder('/data/journal/q')
    disk.put('/data/journal/q/0000000000000000.journal', disk.bytes(PATH))
    await assert.rejects(openJournal(disk), { code: 'JOURNAL_CORRUPT', message: /holds the partition "p"/ })
  })

  it('what was begun and never finished is removed', async () => {
    const { disk } = await written([[A]])
    disk.put(`${PATH}.new`, Uint8Array.of(1, 2, 3))
    assert.deepEqual(readAll(await openJournal(disk), NAME), [text(A)])
    assert.deepEqual(disk.paths(), [PATH])
  })
})

/** A block's header and body as lines of an event could hold them. */
function imitation(salt: number, offset: number): Uint8Array {
  const body = new TextEncoder().encode('{"id":"x"}\n')
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + body.length)
  const sizes = { linesBytes: body.length, sourcePositionBytes: 0, recordCount: 1 }
  const header = { ...sizes, arrivalMs: 0, floorMs: 0, durableEnd: offset, bodyCrc: crc32c(body) }
  encodeBlockHeader(header, salt, offset, bytes)
  bytes.set(body, BLOCK_HEADER_BYTES)
  return bytes
}
