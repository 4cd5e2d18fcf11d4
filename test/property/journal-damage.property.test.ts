/**
 * Journals that were damaged: every flipped bit and every cut is refused or is no loss; never a wrong event, never a
 * silent fresh start.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { assertHeld, load, PARTITIONS, SMALL, type Sent } from '../support/journal-load.ts'
import { openJournal, readAll } from '../support/journal-rig.ts'
import { replay, seed } from '../support/seed.ts'
import { seededRandom, SimulatedDisk } from '../support/simulated-disk.ts'

const FLIPS = 8_000
const REFUSALS = new Set(['JOURNAL_CORRUPT', 'JOURNAL_MISSING', 'FORMAT_NEWER'])

const disk = new SimulatedDisk()
const sent: readonly Sent[] = await load(disk, 'x', 9)
const whole = await openJournal(disk.copy(), SMALL)
const ends = new Map(PARTITIONS.map((name) => [name as string, whole.durableEnd(name)]))
const texts = new Map(PARTITIONS.map((name) => [name as string, readAll(whole, name)]))
const files = disk.paths()
const isLast = (path: string): boolean => !files.some((other) => other > path && folderOf(other) === folderOf(path))

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

type Outcome = 'refused' | 'cut' | 'whole'

/** Opens and reads everything; what is read must be a beginning of what was sent. */
async function outcomeOf(damaged: SimulatedDisk, committed?: ReadonlyMap<string, number>): Promise<Outcome> {
  try {
    const journal = await openJournal(damaged, committed === undefined ? SMALL : { ...SMALL, committed })
    let isShorter = false
    for (const [name, expected] of texts) {
      const found = readAll(journal, name)
      assert.deepEqual(found, expected.slice(0, found.length))
      isShorter ||= found.length < expected.length
    }
    assert.ok(journal.cuts.length <= 1)
    return isShorter || journal.cuts.length > 0 ? 'cut' : 'whole'
  } catch (error) {
    if (!(error instanceof TidemarkError) || !REFUSALS.has(error.code)) throw error
    assert.ok(error.where?.startsWith('/data/journal') && error.fix !== undefined)
    return 'refused'
  }
}

function tampered(path: string, change: (bytes: Uint8Array) => Uint8Array): SimulatedDisk {
  const copy = disk.copy()
  copy.put(path, change(copy.bytes(path).slice()))
  return copy
}

describe('damaged journals', () => {
  it('control: undamaged, it is whole', async () => {
    assert.equal(await outcomeOf(disk.copy()), 'whole')
    assert.equal(await outcomeOf(disk.copy(), ends), 'whole')
    assert.equal(assertHeld(whole, sent, 'whole'), sent.length)
    assert.ok(files.length >= 6 && sent.length > 30, `${files.length} files, ${sent.length} blocks`)
  })

  it(`J3: ${FLIPS} flipped bits are refused, each one (R2 of journal-reader, W1 of block-window; seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const total = files.reduce((sum, path) => sum + disk.bytes(path).length, 0)
    for (let i = 0; i < FLIPS; i++) {
      let at = Math.floor(random() * total)
      const path = files.find((file) => (at -= disk.bytes(file).length) < 0) ?? ''
      at += disk.bytes(path).length
      const bit = Math.floor(random() * 8)
      const flipped = tampered(path, (bytes) => bytes.with(at, (bytes[at] as number) ^ (1 << bit)))
      assert.equal(await outcomeOf(flipped), 'refused', `bit ${bit} of byte ${at} of ${path}; ${replay}`)
    }
  })

  it('J3: cut at every byte, a segment that is not the last is refused, and the last is whole up to a block', async () => {
    for (const path of files) {
      for (let length = 0; length < disk.bytes(path).length; length++) {
        const outcome = await outcomeOf(tampered(path, (bytes) => bytes.slice(0, length)))
        if (!isLast(path)) assert.equal(outcome, 'refused', `${path} cut to ${length}`)
        else assert.notEqual(outcome, 'whole', `${path} cut to ${length}`)
      }
    }
  })

  it('O4 of open-partition: cut at every byte, all are refused when it is known what was committed', async () => {
    for (const path of files.filter(isLast)) {
      for (let length = 0; length < disk.bytes(path).length; length++) {
        const cut = tampered(path, (bytes) => bytes.slice(0, length))
        const before = cut.bytes(path)
        assert.equal(await outcomeOf(cut, ends), 'refused', `${path} cut to ${length}`)
        assert.equal(cut.bytes(path), before, 'what is refused is left as it was')
      }
    }
  })

  it('O3 of open-partition: a file that is gone from the middle or the end is refused; one from the beginning was retained no longer', async () => {
    for (const path of files) {
      const copy = disk.copy()
      copy.delete(path)
      const isFirst = !files.some((other) => other < path && folderOf(other) === folderOf(path))
      if (!isFirst) assert.equal(await outcomeOf(copy, ends), 'refused', path)
      else await assert.rejects(outcomeOf(copy, ends), /deep-equal/, 'control: less is read')
    }
    const empty = new SimulatedDisk()
    assert.equal(await outcomeOf(empty), 'cut', 'control: a fresh start, where nothing was committed')
    assert.equal(await outcomeOf(empty, ends), 'refused')
  })
})
