/**
 * Checkpoints by their invariants S1 to S4: chains, what is missing, a disk that fails or loses power at every call.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Disk } from '../../../src/checkpoint/disk/disk.ts'
import { nodeDisk } from '../../../src/checkpoint/disk/node-disk.ts'
import { encodeCheckpointHead, type CheckpointHead } from '../../../src/checkpoint/format/checkpoint-file.ts'
import { CheckpointStore, type CheckpointChain } from '../../../src/checkpoint/store/checkpoint-store.ts'
import { seededRandom, SimulatedDisk, type DiskCall } from '../../support/simulated-disk.ts'
import { afterwards } from '../../support/afterwards.ts'

const FOLDER = '/data/checkpoints'

function head(epoch: number, neededFrom: number, more: Partial<CheckpointHead> = {}): CheckpointHead {
  const previousEpoch = epoch === neededFrom ? undefined : epoch - 1
  return { epoch, previousEpoch, neededFrom, positions: { 'http/clicks': epoch * 10 }, details: { epoch }, ...more }
}

/** Sections that say which epoch, and which try, they are from. */
function sections(epoch: number, attempt = 0): readonly { readonly type: number; readonly bytes: Uint8Array }[] {
  return [1, 2].map((type) => ({
    type,
    bytes: new Uint8Array(type === 2 && epoch % 3 === 0 ? 0 : 40 * type + epoch).fill(epoch * 16 + attempt),
  }))
}

function open(disk: Disk, folder = FOLDER): Promise<CheckpointStore> {
  return CheckpointStore.open(disk, folder)
}

function epochsOf(chain: CheckpointChain): readonly number[] {
  assert.ok(chain.kind === 'found', chain.kind)
  return chain.files.map(({ epoch }) => epoch)
}

function contents(store: CheckpointStore, epoch: number): unknown {
  const chain = store.chain(epoch)
  assert.ok(chain.kind === 'found', `${chain.kind} at ${epoch}`)
  return chain.files.map((file) => {
    const body = store.read(file)
    assert.ok('sections' in body)
    return body.sections
  })
}

async function storeWith(disk: Disk, to: number, neededFrom = 0): Promise<CheckpointStore> {
  const store = await open(disk)
  for (let epoch = neededFrom; epoch <= to; epoch++) await store.write(head(epoch, neededFrom), sections(epoch))
  return store
}

describe('checkpoints', () => {
  it('come back as they were written, on a real disk', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'tidemark-checkpoints-'))
    afterwards(t, () => rmSync(dir, { recursive: true, force: true }))
    const folder = join(dir, 'checkpoints')
    const store = await open(nodeDisk, folder)
    const details = { watermarkMs: null, text: 'Größe 😀 \u2028', deep: [1, { a: true }] }
    const positions = { 'file/ä': 9_007_199_254_740_991, 'http/clicks': 0 }
    const large = { type: 0xffff_ffff, bytes: new Uint8Array(3_000_000).map((_, i) => i * 7) }
    const byteLength = await store.write(head(6, 6, { details, positions }), [large, ...sections(5)])
    const again = await open(nodeDisk, folder)
    assert.deepEqual(again.list(), [6])
    const [loaded] = again.load(6)
    assert.ok(loaded !== undefined)
    assert.deepEqual([loaded.details, loaded.positions, loaded.sections], [details, positions, [large, ...sections(5)]])
    assert.deepEqual(loaded.payload, new Uint8Array(Buffer.concat([large, ...sections(5)].map(({ bytes }) => bytes))))
    assert.ok(byteLength > loaded.payload.length)
  })

  it('a large one is synced in pieces: the journal waits for one of them at most', async () => {
    const disk = new SimulatedDisk()
    const kinds: string[] = []
    disk.fault = ({ kind, path }) => void (path.endsWith('.new') && kinds.push(kind))
    const large = { type: 1, bytes: new Uint8Array(2_500_000).map((_, i) => i * 7) }
    const store = await open(disk)
    await store.write(head(6, 6), [large, ...sections(5)])
    assert.deepEqual(kinds, ['create', 'write', 'sync', 'write', 'sync', 'write', 'sync'])
    assert.deepEqual(store.load(6)[0]?.sections, [large, ...sections(5)])
    kinds.length = 0
    await store.write(head(7, 7), [])
    assert.deepEqual(kinds, ['create', 'write', 'sync'])
  })

  it('H1: equal checkpoints have equal bytes', () => {
    assert.deepEqual(encodeCheckpointHead(head(7, 3), sections(7)), encodeCheckpointHead(head(7, 3), sections(7)))
    assert.notDeepEqual(encodeCheckpointHead(head(7, 3), sections(7)), encodeCheckpointHead(head(7, 4), sections(7)))
  })

  it('a chain goes from the oldest file that is still needed to the epoch', async () => {
    const disk = new SimulatedDisk()
    const store = await storeWith(disk, 4)
    await store.write(head(5, 3), sections(5))
    await store.write(head(6, 6), sections(6))
    await store.write({ ...head(9, 6), previousEpoch: 6 }, sections(9))
    assert.deepEqual(epochsOf(store.chain(4)), [0, 1, 2, 3, 4])
    assert.deepEqual(epochsOf(store.chain(5)), [3, 4, 5])
    assert.deepEqual(epochsOf(store.chain(6)), [6])
    assert.deepEqual(epochsOf(store.chain(9)), [6, 9])
    assert.deepEqual(
      contents(store, 5),
      [3, 4, 5].map((epoch) => sections(epoch)),
    )
  })

  it('S3: only what is older than what is needed goes, and what came after an epoch', async () => {
    const store = await storeWith(new SimulatedDisk(), 8)
    await store.write(head(9, 4), sections(9))
    assert.equal(await store.dropBefore(4), 4)
    assert.deepEqual(store.list(), [4, 5, 6, 7, 8, 9])
    assert.deepEqual(epochsOf(store.chain(9)), [4, 5, 6, 7, 8, 9])
    assert.equal(await store.dropAfter(7), 2)
    assert.deepEqual(store.list(), [4, 5, 6, 7])
    assert.equal(await store.dropBefore(4), 0)
  })

  it('S2: missing is told with its epoch, wherever in the chain', async () => {
    const disk = new SimulatedDisk()
    const store = await storeWith(disk, 4)
    assert.equal(store.chain(5).kind, 'missing')
    const path = disk.paths()[2] ?? ''
    disk.delete(path)
    const chain = store.chain(4)
    assert.deepEqual(chain, { kind: 'missing', epoch: 2, path })
    assert.throws(() => store.load(4), { code: 'CHECKPOINT_MISSING', where: path })
  })

  it('S2: another epoch under its name, a chain that does not lead there, and a newer version are told', async () => {
    const disk = new SimulatedDisk()
    const store = await storeWith(disk, 4)
    const [, one = '', two = '', three = '', four = ''] = disk.paths()
    const kept = disk.bytes(two).slice()
    disk.put(two, disk.bytes(one))
    assert.deepEqual(store.chain(4), { kind: 'damaged', epoch: 2, path: two, reason: 'it holds epoch 1' })
    disk.put(two, kept)
    disk.put(three, new Uint8Array([...disk.bytes(three), 0]))
    const longer = store.chain(4)
    assert.ok(longer.kind === 'damaged' && /bytes instead of/.test(longer.reason))
    assert.throws(() => store.load(4), { code: 'CHECKPOINT_CORRUPT', where: three })
    await store.write({ ...head(3, 3), previousEpoch: undefined }, [])
    assert.deepEqual(store.chain(4), { kind: 'damaged', epoch: 3, path: three, reason: 'it does not lead to epoch 0' })
    disk.put(four, disk.bytes(four).with(8, 2))
    assert.deepEqual(store.chain(4), { kind: 'newer', epoch: 4, path: four, version: 2 })
    assert.throws(() => store.load(4), { code: 'FORMAT_NEWER', where: four })
  })

  it('refuses heads that cannot be', async () => {
    const store = await open(new SimulatedDisk())
    for (const [epoch, previousEpoch, neededFrom] of [
      [5, undefined, 4],
      [5, 3, 4],
      [5, 5, 4],
      [5, 4, 6],
      [-1, undefined, -1],
      [0.5, undefined, 0.5],
    ] as const)
      await assert.rejects(store.write({ ...head(5, 5), epoch, previousEpoch, neededFrom }, []), RangeError)
  })
})

describe('checkpoints on a failing disk', () => {
  /** Epoch 3 is committed; then 4 is written, once more with other contents, and old ones go. */
  async function run(disk: SimulatedDisk, committed: { epoch: number; attempt: number }): Promise<unknown> {
    try {
      const store = await open(disk)
      await store.write(head(4, 2), sections(4, 1))
      Object.assign(committed, { epoch: 4, attempt: 1 })
      await store.dropBefore(2)
      await store.write(head(5, 3), sections(5))
      Object.assign(committed, { epoch: 5, attempt: 0 })
      await store.dropBefore(3)
      return undefined
    } catch (error) {
      return error
    }
  }

  async function before(): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk()
    await storeWith(disk, 3)
    return disk.copy()
  }

  async function calls(): Promise<readonly DiskCall[]> {
    const disk = await before()
    const found: DiskCall[] = []
    disk.fault = (call) => void found.push(call)
    assert.equal(await run(disk, { epoch: 3, attempt: 0 }), undefined)
    return found
  }

  function assertIntact(store: CheckpointStore, { epoch, attempt }: { epoch: number; attempt: number }, what: string) {
    const from = { 3: 0, 4: 2, 5: 3 }[epoch] ?? NaN
    const tryOf = (other: number): number => (other === 4 && epoch >= 4 ? 1 : other === epoch ? attempt : 0)
    const expected = Array.from({ length: epoch - from + 1 }, (_, i) => sections(from + i, tryOf(from + i)))
    assert.deepEqual(contents(store, epoch), expected, what)
  }

  it('S1, S3: power lost at every call leaves the last checkpoint that was written, whole', async () => {
    for (const call of await calls()) {
      for (let seed = 0; seed < 10; seed++) {
        const random = seededRandom(call.number * 100 + seed)
        const disk = await before()
        disk.fault = ({ number }) =>
          number === call.number ? { code: 'POWER', takenBytes: Math.floor(random() * 300) } : undefined
        const committed = { epoch: 3, attempt: 0 }
        await run(disk, committed)
        const after = disk.afterPowerLoss(random)
        assertIntact(await open(after), committed, `${call.kind} ${call.number}, seed ${seed}`)
        assert.ok(after.paths().every((path) => path.endsWith('.checkpoint')))
        assert.equal(await run(after, { epoch: 3, attempt: 0 }), undefined, 'it goes on')
        assertIntact(await open(after), { epoch: 5, attempt: 0 }, 'after that')
      }
    }
  })

  it('S4: EIO at every call is final; ENOSPC in a write is not, and leaves nothing behind', async () => {
    for (const { number, kind } of await calls()) {
      for (const code of ['EIO', 'ENOSPC'] as const) {
        const disk = await before()
        disk.fault = (call) => (call.number === number ? { code, takenBytes: 50 } : undefined)
        const committed = { epoch: 3, attempt: 0 }
        const error = (await run(disk, committed)) as { readonly code: string; readonly retryable: boolean }
        const mayBeFull = code === 'ENOSPC' && ['create', 'write', 'rename'].includes(kind)
        assert.equal(error.code, mayBeFull ? 'DISK_FULL' : 'DISK_FAILED', `${code} in ${kind}`)
        assert.equal(error.retryable, mayBeFull)
        if (mayBeFull) assert.ok(disk.paths().every((path) => path.endsWith('.checkpoint')))
        assertIntact(await open(disk.copy()), committed, `${code} at ${number}, ${kind}`)
      }
    }
  })

  it('S4: nothing is written after a sync that failed', async () => {
    const disk = new SimulatedDisk()
    const store = await storeWith(disk, 1)
    disk.fault = ({ kind }) => (kind === 'syncFolder' ? { code: 'EIO' } : undefined)
    await assert.rejects(store.write(head(2, 0), sections(2)), { code: 'DISK_FAILED' })
    disk.fault = () => undefined
    const { callCount } = disk
    await assert.rejects(store.write(head(2, 0), sections(2)), { code: 'DISK_FAILED' })
    await assert.rejects(store.dropBefore(1), { code: 'DISK_FAILED' })
    assert.equal(disk.callCount, callCount)
  })

  it('control: a store that does not sync the folder loses checkpoints', async () => {
    let lost = 0
    for (const call of await calls()) {
      const disk = await before()
      disk.fault = ({ number }) => (number === call.number ? { code: 'POWER' } : undefined)
      const syncFolder = disk.syncFolder.bind(disk)
      disk.syncFolder = () => Promise.resolve()
      const committed = { epoch: 3, attempt: 0 }
      await run(disk, committed)
      disk.syncFolder = syncFolder
      const chain = (await open(disk.afterPowerLoss(() => 0.1))).chain(committed.epoch)
      if (chain.kind !== 'found') lost++
    }
    assert.ok(lost > 3, `${lost} losses`)
  })
})
