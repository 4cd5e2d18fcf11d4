/**
 * Checkpoints that were damaged: every flipped bit and every cut is told, and none is taken for missing.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CheckpointSection } from '../../src/checkpoint/format/checkpoint-file.ts'
import { TidemarkError } from '../../src/errors.ts'
import { CheckpointStore } from '../../src/checkpoint/store/checkpoint-store.ts'
import { replay, seed } from '../support/seed.ts'
import { seededRandom, SimulatedDisk } from '../support/simulated-disk.ts'

const FLIPS = 4_000
const LAST = 3
const random = seededRandom(seed)

const disk = new SimulatedDisk()
const store = await CheckpointStore.open(disk, '/data/checkpoints')
for (let epoch = 0; epoch <= LAST; epoch++) {
  const sections = [200, 0, 37].map((length, type): CheckpointSection => {
    return { type, bytes: new Uint8Array(length).map(() => random() * 256) }
  })
  const previousEpoch = epoch === 0 ? undefined : epoch - 1
  await store.write({ epoch, previousEpoch, neededFrom: 0, positions: { a: epoch }, details: null }, sections)
}
const files = disk.paths()

/** What loading all of the last epoch comes to. */
function outcome(): string {
  try {
    const loaded = store.load(LAST)
    return loaded.length === LAST + 1 ? 'loaded' : 'shorter'
  } catch (error) {
    return error instanceof TidemarkError ? error.code : String(error)
  }
}

function outcomeWith(path: string, bytes: Uint8Array): string {
  const kept = disk.bytes(path)
  disk.put(path, bytes)
  try {
    return outcome()
  } finally {
    disk.put(path, kept)
  }
}

describe('damaged checkpoints', () => {
  it('control: undamaged, they load', () => assert.equal(outcome(), 'loaded'))

  it(`S2, H2: ${FLIPS} flipped bits are told, each one (seed ${seed})`, () => {
    const kinds = new Map<string, number>()
    for (let i = 0; i < FLIPS; i++) {
      const path = files[Math.floor(random() * files.length)] ?? ''
      const bytes = disk.bytes(path)
      const at = Math.floor(random() * bytes.length)
      const kind = outcomeWith(path, bytes.with(at, (bytes[at] as number) ^ (1 << Math.floor(random() * 8))))
      assert.match(kind, /^(CHECKPOINT_CORRUPT|FORMAT_NEWER)$/, `byte ${at} of ${path}; ${replay}`)
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    assert.ok((kinds.get('CHECKPOINT_CORRUPT') ?? 0) > 0.9 * FLIPS)
  })

  it('S2, H2: cut at every byte, and grown, they are damaged', () => {
    for (const path of files) {
      const bytes = disk.bytes(path)
      for (let length = 0; length < bytes.length; length++)
        assert.equal(outcomeWith(path, bytes.slice(0, length)), 'CHECKPOINT_CORRUPT', `${path} cut to ${length}`)
      assert.equal(outcomeWith(path, new Uint8Array([...bytes, 0])), 'CHECKPOINT_CORRUPT')
    }
  })
})
