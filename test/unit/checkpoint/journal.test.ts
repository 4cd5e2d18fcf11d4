/**
 * The journal in ordinary weather: append, read, roll, group, open again.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { nodeDisk } from '../../../src/checkpoint/disk/node-disk.ts'
import { eventually } from '../../support/eventually.ts'
import { append, linesOf, openJournal, readAll, START_MS } from '../../support/journal-rig.ts'
import { SimulatedDisk } from '../../support/simulated-disk.ts'
import { afterwards } from '../../support/afterwards.ts'

const CLICKS = 'http/clicks'
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function realFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-journal-'))
  afterwards(t, () => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'journal')
}

describe('journal', () => {
  it('gives back each block with all that was said of it, on a real disk, also after opening again', async (t) => {
    const options = { dir: realFolder(t) }
    const journal = await openJournal(nodeDisk, options)
    const lines = linesOf('a', 3)
    const sourcePosition = Uint8Array.of(1, 2, 3)
    const appended = await append(journal, CLICKS, lines, { arrivalMs: START_MS + 5, floorMs: 7, sourcePosition })
    assert.deepEqual(appended, { offset: 0, nextOffset: journal.durableEnd(CLICKS) })
    await append(journal, CLICKS, linesOf('b'))
    for (const opened of [journal, await openJournal(nodeDisk, options)]) {
      const reader = opened.reader(CLICKS, 0)
      const block = reader.next()
      assert.deepEqual(
        { ...block, lines: text(block?.lines ?? lines), sourcePosition: [...(block?.sourcePosition ?? [])] },
        {
          offset: 0,
          nextOffset: appended.nextOffset,
          recordCount: 3,
          arrivalMs: START_MS + 5,
          floorMs: 7,
          sourcePosition: [1, 2, 3],
          lines: text(lines),
        },
      )
      assert.equal(reader.position, appended.nextOffset)
      const second = reader.next()
      assert.equal(second?.floorMs, -Infinity)
      assert.equal(second.sourcePosition, undefined)
      assert.equal(reader.next(), undefined)
      reader.close()
      assert.deepEqual(readAll(opened, CLICKS, appended.nextOffset), [text(linesOf('b'))])
      await opened.close()
    }
  })

  it('keeps partitions apart, and knows those it was not told of', async () => {
    const disk = new SimulatedDisk()
    const names = ['http/clicks', 'http/impressions', 'file/a b.ndjson', 'file/A b.ndjson']
    const journal = await openJournal(disk, { partitions: names.slice(0, 1) })
    await Promise.all(names.map((name) => append(journal, name, linesOf(name))))
    await journal.close()
    const again = await openJournal(disk)
    assert.deepEqual([...again.partitions].sort(), [...names].sort())
    for (const name of names) assert.deepEqual(readAll(again, name), [text(linesOf(name))])
    assert.equal(again.durableEnd('never written'), 0)
    assert.deepEqual(readAll(again, 'never written'), [])
  })

  it('A2 of partition-writer: keeps the order of appends, through groups, rolls and blocks larger than any buffer', async (t) => {
    const options = { dir: realFolder(t), segmentBytes: 100_000 }
    const journal = await openJournal(nodeDisk, options)
    const blocks = Array.from({ length: 300 }, (_, i) => linesOf(`${i}`, i % 100 === 7 ? 30_000 : 1 + (i % 50), 60))
    const ends = await Promise.all(blocks.map((lines) => append(journal, CLICKS, lines)))
    assert.ok((blocks[7]?.length ?? 0) > 1 << 20)
    for (const [i, { offset }] of ends.entries()) assert.equal(offset, i === 0 ? 0 : ends[i - 1]?.nextOffset)
    await journal.close()
    assert.ok(nodeDisk.list(join(options.dir, 'http%2Fclicks')).length > 1, 'control: it rolled')
    const again = await openJournal(nodeDisk, options)
    assert.deepEqual(readAll(again, CLICKS), blocks.map(text))
    const middle = ends[150]?.offset ?? 0
    assert.deepEqual(readAll(again, CLICKS, middle), blocks.slice(150).map(text))
    await append(again, CLICKS, linesOf('after'))
    assert.equal(readAll(again, CLICKS).length, 301)
    await again.close()
  })

  it('R1 of journal-reader: groups what comes while a sync is under way, and shows it only once it is durable', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk)
    await append(journal, CLICKS, linesOf('first'))
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    disk.beforeSync = () => (reach(), held)
    const before = disk.counts.get('sync') ?? 0
    const early = append(journal, CLICKS, linesOf('early'))
    await reached
    const later = Array.from({ length: 500 }, (_, i) => append(journal, CLICKS, linesOf(`late ${i}`)))
    assert.equal(readAll(journal, CLICKS).length, 1, 'what is written but not synced is not shown')
    assert.ok(journal.queuedBytes > 500 * 48)
    release()
    await Promise.all([early, ...later])
    assert.equal((disk.counts.get('sync') ?? 0) - before, 2)
    assert.equal(readAll(journal, CLICKS).length, 502)
    assert.equal(journal.queuedBytes, 0)
  })

  it('A5 of partition-writer: what is written while a sync is under way waits for the next, and syncs never overlap', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk, { aheadBytes: 1 })
    await append(journal, CLICKS, linesOf('first'))
    const syncs: (() => void)[] = []
    disk.beforeSync = () => new Promise((resolve) => syncs.push(resolve))
    const acknowledged: string[] = []
    const send = (name: string): Promise<unknown> =>
      append(journal, CLICKS, linesOf(name)).then(() => acknowledged.push(name))
    const writes = (): number => disk.counts.get('write') ?? 0
    const before = writes()
    const early = send('early')
    await eventually('a sync is under way', () => syncs.length === 1)
    const late = send('late')
    await eventually('both are written', () => writes() === before + 2)
    assert.equal(syncs.length, 1)
    assert.deepEqual(acknowledged, [])
    syncs[0]?.()
    await early
    await eventually('the next sync is under way', () => syncs.length === 2)
    assert.deepEqual(acknowledged, ['early'])
    assert.equal(readAll(journal, CLICKS).length, 2)
    syncs[1]?.()
    await late
    assert.equal(readAll(journal, CLICKS).length, 3)
  })

  it('syncs partitions beside each other', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk)
    await Promise.all(['a', 'b'].map((name) => append(journal, name, linesOf(name))))
    let waiting = 0
    const { promise: bothWait, resolve } = Promise.withResolvers<void>()
    disk.beforeSync = () => {
      if (++waiting === 2) resolve()
      return bothWait
    }
    await Promise.all(['a', 'b'].map((name) => append(journal, name, linesOf(name))))
    assert.equal(waiting, 2)
  })

  it('tells listeners of a partition that has more to read', async () => {
    const journal = await openJournal(new SimulatedDisk())
    const heard: string[] = []
    const stop = journal.onDurable((name) => heard.push(`${name} ${readAll(journal, name).length}`))
    await append(journal, CLICKS, linesOf('a'))
    await append(journal, 'other', linesOf('b'))
    stop()
    await append(journal, CLICKS, linesOf('c'))
    assert.deepEqual(heard, [`${CLICKS} 1`, 'other 1'])
  })

  it('J4: refuses what memory has no room for, and takes it later', async () => {
    const journal = await openJournal(new SimulatedDisk(), { maxQueuedBytes: 200 })
    const first = [append(journal, CLICKS, linesOf('a', 10)), append(journal, CLICKS, linesOf('b', 10))]
    assert.equal(journal.isFull, true)
    await assert.rejects(first[1] as Promise<unknown>, { code: 'JOURNAL_BUSY', retryable: true })
    await first[0]
    assert.equal(journal.isFull, false)
    await append(journal, CLICKS, linesOf('c'))
    assert.deepEqual(readAll(journal, CLICKS), [text(linesOf('a', 10)), text(linesOf('c'))])
  })

  it('finds the last source position again, wherever the last block lies', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk, { segmentBytes: 1 })
    assert.equal(journal.lastSourcePosition(CLICKS), undefined)
    const sourcePosition = Uint8Array.of(0)
    for (const i of [1, 2, 3]) {
      sourcePosition[0] = i
      await append(journal, CLICKS, linesOf('x'), { sourcePosition })
    }
    sourcePosition[0] = 4
    assert.deepEqual(journal.lastSourcePosition(CLICKS), Uint8Array.of(3))
    assert.deepEqual((await openJournal(disk)).lastSourcePosition(CLICKS), Uint8Array.of(3))
    const committed = new Map([[CLICKS, journal.durableEnd(CLICKS)]])
    assert.deepEqual((await openJournal(disk, { committed })).lastSourcePosition(CLICKS), Uint8Array.of(3))
  })

  it('refuses lines that are not whole, and everything once it is closed', async () => {
    const journal = await openJournal(new SimulatedDisk())
    await assert.rejects(append(journal, CLICKS, new TextEncoder().encode('{"id":1')), RangeError)
    await assert.rejects(append(journal, CLICKS, new Uint8Array()), RangeError)
    const last = append(journal, CLICKS, linesOf('last'))
    await Promise.all([last, journal.close()])
    await assert.rejects(append(journal, CLICKS, linesOf('x')), /closed/)
  })
})
