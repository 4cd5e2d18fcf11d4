/**
 * How much the journal keeps, by K1 to K3 of `retention.ts`, and how much disk it leaves to others, by R1 to R3 of
 * `disk-room.ts`; and who else may read it.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Journal } from '../../../src/checkpoint/journal/journal.ts'
import { findRetained, readRetained } from '../../../src/checkpoint/journal/retained.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { append, linesOf, openJournal, readAll, START_MS } from '../../support/journal-rig.ts'
import { seededRandom, SimulatedDisk } from '../../support/simulated-disk.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
/** A segment for each block. */
const EACH = { segmentBytes: 1 }

/** One block, and so one segment, an hour. */
async function hourly(journal: Journal, name: string, from: number, to: number): Promise<number[]> {
  const offsets: number[] = []
  for (let hour = from; hour < to; hour++) {
    const { offset } = await append(journal, name, linesOf(`${name}${hour}`), { arrivalMs: START_MS + hour * HOUR_MS })
    offsets.push(offset)
  }
  return offsets
}

function kept(journal: Journal, name: string): string[] {
  return readAll(journal, name).map((lines) => lines.slice(7, lines.indexOf('-')))
}

describe('retention', () => {
  const keepAll = { maxAgeMs: 1e12, maxBytes: 1e12 }

  it('removes whole segments that are too old, and tells which', async () => {
    const disk = new SimulatedDisk()
    const retention = { maxAgeMs: 2.5 * HOUR_MS, maxBytes: 1e12 }
    const journal = await openJournal(disk, { ...EACH, retention, nowMs: () => START_MS + 6 * HOUR_MS })
    await hourly(journal, 'a', 0, 6)
    const removed = await journal.removeExpired(new Map([['a', 1e9]]))
    // A segment may go when the first arrival of the next one is too old: no event in it can be younger.
    assert.deepEqual(kept(journal, 'a'), ['a3', 'a4', 'a5'])
    assert.equal(removed.length, 3)
    assert.equal(journal.earliest('a'), removed.at(-1)?.endOffset)
    assert.deepEqual(kept(await openJournal(disk), 'a'), ['a3', 'a4', 'a5'])
  })

  it('removes the oldest of all partitions when they are too many bytes', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk, { ...EACH, retention: keepAll })
    await hourly(journal, 'a', 0, 4)
    await hourly(journal, 'b', 2, 6)
    const each = journal.byteLength / 8
    await journal.close()
    const retention = { ...keepAll, maxBytes: 5 * (each + 37) }
    const again = await openJournal(disk, { ...EACH, retention })
    await again.removeExpired(new Map(['a', 'b'].map((name) => [name, 1e9] as const)))
    assert.deepEqual(
      [kept(again, 'a'), kept(again, 'b')],
      [
        ['a2', 'a3'],
        ['b3', 'b4', 'b5'],
      ],
    )
  })

  it('K1, K2: keeps what is needed, whatever its age and size', async () => {
    const retention = { maxAgeMs: 1, maxBytes: 1 }
    const journal = await openJournal(new SimulatedDisk(), { ...EACH, retention, nowMs: () => START_MS + 1e9 })
    const offsets = await hourly(journal, 'a', 0, 6)
    await hourly(journal, 'b', 0, 3)
    await journal.removeExpired(new Map([['a', offsets[2] ?? NaN]]))
    assert.deepEqual(kept(journal, 'a'), ['a2', 'a3', 'a4', 'a5'])
    await journal.removeExpired(new Map([['a', (offsets[3] ?? NaN) + 1]]))
    assert.deepEqual(kept(journal, 'a'), ['a3', 'a4', 'a5'], 'a position inside of a segment needs that segment')
    assert.deepEqual(kept(journal, 'b'), ['b0', 'b1', 'b2'])
  })

  it('K3: keeps the last segment that holds a block', async () => {
    const disk = new SimulatedDisk()
    const options = { ...EACH, retention: { maxAgeMs: 1, maxBytes: 1 }, nowMs: (): number => START_MS + 1e9 }
    const journal = await openJournal(disk, options)
    await hourly(journal, 'a', 0, 3)
    // The next segment is begun, and nothing written to it.
    disk.fault = ({ kind, path }) => (kind === 'write' && !path.endsWith('.new') ? { code: 'ENOSPC' } : undefined)
    await assert.rejects(hourly(journal, 'a', 3, 4), { code: 'DISK_FULL' })
    disk.fault = () => undefined
    const all = new Map([['a', 1e9]])
    assert.equal((await journal.removeExpired(all)).length, 2)
    const again = await openJournal(disk, options)
    assert.deepEqual(await again.removeExpired(all), [])
    assert.deepEqual(kept(again, 'a'), ['a2'])
  })

  it('a segment that grows slowly ends after an eighth of the age, so that its events can go', async () => {
    const retention = { maxAgeMs: 24 * HOUR_MS, maxBytes: 1e12 }
    const journal = await openJournal(new SimulatedDisk(), { retention, nowMs: () => START_MS + 40 * HOUR_MS })
    await hourly(journal, 'a', 0, 41)
    const removed = await journal.removeExpired(new Map([['a', 1e9]]))
    assert.equal(removed.length, 5)
    assert.equal(kept(journal, 'a')[0], 'a15')
  })

  it('K1: power lost at every call of a removal leaves what is needed, without a gap', async () => {
    const options = { ...EACH, retention: { maxAgeMs: 1, maxBytes: 1 }, nowMs: (): number => START_MS + 1e9 }
    const all = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5']
    const left = new Set<number>()
    for (let number = 1; number <= 8; number++) {
      for (let seed = 0; seed < 10; seed++) {
        const disk = new SimulatedDisk()
        const journal = await openJournal(disk, options)
        const offsets = await hourly(journal, 'a', 0, 6)
        const last = disk.callCount + number
        disk.fault = (call) => (call.number === last ? { code: 'POWER' } : undefined)
        const removal = journal.removeExpired(new Map([['a', offsets[4] ?? NaN]]))
        await assert.rejects(removal, { code: 'DISK_FAILED' })
        await assert.rejects(append(journal, 'a', linesOf('later')), { code: 'DISK_FAILED' })
        const found = kept(await openJournal(disk.afterPowerLoss(seededRandom(seed)), options), 'a')
        assert.deepEqual(found, all.slice(all.length - found.length))
        left.add(found.length)
      }
    }
    assert.deepEqual([...left].sort(), [2, 3, 4, 5, 6], 'control: it struck everywhere')
  })

  it('a reader of what has gone is told so; one that holds the file reads on', async () => {
    const retention = { maxAgeMs: 1, maxBytes: 1 }
    const journal = await openJournal(new SimulatedDisk(), { ...EACH, retention, nowMs: () => START_MS + 1e9 })
    const offsets = await hourly(journal, 'a', 0, 3)
    const late = journal.reader('a', 0)
    await journal.removeExpired(new Map([['a', 1e9]]))
    assert.throws(() => late.next(), { code: 'JOURNAL_MISSING', message: new RegExp(`goes from ${offsets[2]} to`) })
    await assert.rejects(openJournal(new SimulatedDisk(), { committed: new Map([['a', 5]]) }), {
      code: 'JOURNAL_MISSING',
    })
  })
})

describe('room on the disk', () => {
  it('R1: refuses an append that would touch the reserve, before the disk is full, and takes it when there is room', async () => {
    const disk = new SimulatedDisk()
    let nowMs = START_MS
    disk.free = 10_000
    const journal = await openJournal(disk, { reserveBytes: 9_000, nowMs: () => nowMs })
    await append(journal, 'a', linesOf('fits', 20))
    const { callCount } = disk
    await assert.rejects(append(journal, 'a', linesOf('too much', 40)), { code: 'DISK_FULL', retryable: true })
    assert.equal(disk.callCount, callCount, 'nothing was written')
    disk.free = 20_000
    nowMs += 100
    await append(journal, 'a', linesOf('fits now', 40))
    assert.equal(readAll(journal, 'a').length, 2)
  })

  it('R2: what was admitted since the disk was asked counts, and the clock may go back', async () => {
    const disk = new SimulatedDisk()
    let nowMs = START_MS
    disk.free = 2_000
    const journal = await openJournal(disk, { reserveBytes: 1_000, nowMs: () => nowMs })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => append(journal, 'a', linesOf(`${i}`))),
    )
    const size = journal.durableEnd('a') / results.filter(({ status }) => status === 'fulfilled').length
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, Math.floor(1_000 / size))
    disk.free = 5_000
    nowMs -= 86_400_000
    await append(journal, 'a', linesOf('later'))
  })

  it('R3: once it was full, it is until a sixteenth of the reserve is free beside it, for small appends too', async () => {
    const disk = new SimulatedDisk()
    let nowMs = START_MS
    disk.free = 17_000
    const journal = await openJournal(disk, { reserveBytes: 16_000, nowMs: () => nowMs })
    const isTaken = async (free: number, lines = linesOf('small')): Promise<boolean> => {
      disk.free = free
      nowMs += 100
      return append(journal, 'a', lines).then(
        () => true,
        () => false,
      )
    }
    assert.ok(await isTaken(16_500), 'control: there is room for it')
    assert.ok(!(await isTaken(16_500, linesOf('much', 100))))
    assert.ok(!(await isTaken(16_500)), 'where it was taken before')
    assert.ok(!(await isTaken(16_900)))
    assert.ok(await isTaken(17_500))
    assert.ok(await isTaken(16_500), 'and it is taken as before')
  })
})

describe('a journal read by another process', () => {
  it('N1: shows what is there up to a position, beside a torn tail, and changes nothing', async () => {
    const disk = new SimulatedDisk()
    const journal = await openJournal(disk, EACH)
    const offsets = await hourly(journal, 'http/clicks', 0, 3)
    const to = journal.durableEnd('http/clicks')
    const last = disk.paths().at(-1) ?? ''
    disk.put(last, new Uint8Array([...disk.bytes(last), 1, 2, 3]))
    const { callCount } = disk
    const [found] = findRetained(disk, '/data/journal')
    assert.ok(found)
    assert.deepEqual([found.name, found.earliest], ['http/clicks', 0])
    const reader = readRetained(disk, found, offsets[1] ?? NaN, to)
    const read: string[] = []
    for (let block = reader.next(); block !== undefined; block = reader.next()) read.push(text(block.lines))
    assert.deepEqual(
      read,
      [1, 2].map((hour) => text(linesOf(`http/clicks${hour}`))),
    )
    assert.equal(disk.callCount, callCount)
    assert.throws(() => readRetained(disk, found, 0, to + 10), { code: 'JOURNAL_MISSING' })
    assert.deepEqual(findRetained(disk, '/data/nothing'), [])
  })
})
