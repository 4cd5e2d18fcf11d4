/**
 * The journal as a source of live events: J4, and who is told that there is more.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Journal } from '../../../src/checkpoint/journal/journal.ts'
import { JournalSource } from '../../../src/runtime/journal-source.ts'
import { Watermarks } from '../../../src/time/watermarks.ts'
import { linesOf, openJournal, START_MS } from '../../support/journal-rig.ts'
import { OwnedTime } from '../../support/owned-time.ts'
import { SimulatedDisk } from '../../support/simulated-disk.ts'

const PARTITIONS = ['http/impressions', 'http/clicks'] as const
const MIB = 1_048_576

interface Offer {
  readonly partition: number
  readonly text: string
}

async function rig(
  disk: SimulatedDisk = new SimulatedDisk(),
  time: OwnedTime = new OwnedTime(START_MS),
): Promise<{ readonly journal: Journal; readonly source: JournalSource; readonly offers: Offer[] }> {
  const journal = await openJournal(disk, { nowMs: () => time.nowMs() })
  const source = new JournalSource({
    journal,
    partitions: PARTITIONS,
    watermarks: new Watermarks(PARTITIONS.length, 5_000),
    clock: time,
    positions: {},
    freeBytes: () => 0,
  })
  return { journal, source, offers: [] }
}

function poll(source: JournalSource, offers: Offer[]): boolean {
  return source.poll((partition, block, start, end) => {
    offers.push({ partition, text: Buffer.from(block.subarray(start, end)).toString() })
  })
}

describe('the journal as a source', () => {
  it('J4: hands a large block over in pieces of whole lines; its position moves with the last', async () => {
    const { journal, source, offers } = await rig()
    const large = linesOf('large', 30_000, 100)
    await source.append(0, large, 30_000)
    await source.append(1, linesOf('click'), 1)
    const end = journal.durableEnd('http/impressions')
    for (let isMore = true; isMore;) {
      isMore = poll(source, offers)
      assert.equal(source.positions()['http/impressions'], source.isWithinBlock ? 0 : end)
      assert.equal(source.isOnItsWay(0), source.isWithinBlock)
    }
    const pieces = offers.filter(({ partition }) => partition === 0).map(({ text }) => text)
    assert.ok(pieces.length >= 3)
    assert.ok(pieces.every((text) => text.endsWith('\n') && text.length <= MIB + 100))
    assert.equal(pieces.join(''), Buffer.from(large).toString())
    assert.equal(offers.at(-1)?.text, Buffer.from(linesOf('click')).toString())
    assert.equal(poll(source, offers), false)
    await journal.close()
  })

  it('J4: a poll that begins within a block ends with it', async () => {
    const { journal, source, offers } = await rig()
    await Promise.all([1, 2].map((name) => source.append(0, linesOf(String(name), 12_000, 100), 12_000)))
    assert.ok(poll(source, offers))
    assert.ok(source.isWithinBlock)
    assert.ok(poll(source, offers), 'the second block is left')
    assert.ok(!source.isWithinBlock)
    await journal.close()
  })

  it('J5: what a source could not append yet is on its way until it is; not so what senders were told to keep', async () => {
    const disk = new SimulatedDisk()
    const time = new OwnedTime(START_MS)
    const { journal, source, offers } = await rig(disk, time)
    const { free } = disk
    disk.free = 0
    time.jump(100)
    await assert.rejects(source.append(1, linesOf('sent'), 1), { code: 'DISK_FULL' })
    assert.ok(!source.isOnItsWay(1))
    await assert.rejects(source.append(0, linesOf('read'), 1, Uint8Array.of(1)), { code: 'DISK_FULL' })
    assert.ok(source.isOnItsWay(0))
    disk.free = free
    time.jump(100)
    await source.append(0, linesOf('read'), 1, Uint8Array.of(1))
    while (poll(source, offers));
    assert.ok(!source.isOnItsWay(0))
    await journal.close()
  })

  it('calls back when something is on disk, until that is ended', async () => {
    const { journal, source } = await rig()
    let calls = 0
    const end = source.onMore(() => calls++)
    await source.append(0, linesOf('a'), 1)
    assert.equal(calls, 1)
    end()
    await source.append(0, linesOf('b'), 1)
    assert.equal(calls, 1)
    await journal.close()
  })
})
