/**
 * The memory of a run: what is taken for it where nobody says, and which shares requests and results have.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { aboveMachine, defaultMemoryBytes } from '../../../src/service/memory-limit.ts'
import { MIN_MEMORY_BYTES, machineMemoryBytes } from '../../../src/runtime/machine-memory.ts'
import type { IngestLimits } from '../../../src/server/ingest/limits.ts'
import { RunMemory } from '../../../src/service/run-memory.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20

describe('the memory of a run', () => {
  it('is a share of what the machine or the control group has, a larger one of little, and never all of it', () => {
    assert.equal(defaultMemoryBytes(), defaultMemoryBytes(machineMemoryBytes()))
    assert.equal(defaultMemoryBytes(16 * GIB), Math.floor(0.6 * 16 * GIB))
    assert.equal(defaultMemoryBytes(GIB), Math.floor(0.6 * GIB))
    assert.equal(defaultMemoryBytes(900e6), 600e6)
    assert.equal(defaultMemoryBytes(512 * MIB), Math.floor(0.8 * 512 * MIB))
    assert.equal(defaultMemoryBytes(500e6), MIN_MEMORY_BYTES)
  })

  it('refuses a start where the kernel would end the run before intake could wait', () => {
    assert.throws(() => defaultMemoryBytes(384 * MIB), {
      code: 'MEMORY_TOO_LITTLE',
      message: /has 402 MB of memory\. A run needs 500\./,
      fix: 'give the container 500 MB or more (docker run --memory 1g)',
    })
  })

  it('says of a given limit that it does not fit into the machine, and is content with its own', () => {
    assert.match(aboveMachine(600e6, 512 * MIB) ?? '', /--memory 600 MB .* 537 MB .*kernel may end/)
    for (const machineBytes of [500e6, 512 * MIB, GIB, 16 * GIB])
      assert.equal(aboveMachine(defaultMemoryBytes(machineBytes), machineBytes), undefined)
  })

  it('lets requests hold an eighth and results that wait a sixteenth of little, and no more than usual of much', () => {
    const [little, much] = [0.5 * GIB, 16 * GIB].map((bytes) => new RunMemory(bytes, {}, () => undefined))
    assert.equal(little?.limits.maxBytesInFlight, GIB / 16)
    assert.equal(much?.limits.maxBytesInFlight, GIB / 4)
    assert.ok((little?.maxWaitingCells ?? 0) < 120_000 && much?.maxWaitingCells === 1_000_000)
  })

  it('is not taken up by requests: a limit of theirs that is over half of it is refused with the way out', () => {
    assert.equal(new RunMemory(GIB, { maxBytesInFlight: GIB / 2 }, () => undefined).limits.maxBytesInFlight, GIB / 2)
    assert.throws(() => new RunMemory(GIB, { maxBytesInFlight: GIB }, () => undefined), {
      code: 'USAGE',
      fix: '--memory 2148MB, or a smaller --limit bytes-in-flight',
    })
  })

  it('takes no body that could never fit: it is told to be too large, not to come back', () => {
    const sizes = (bytes: number, given: Partial<IngestLimits> = {}): readonly (number | undefined)[] => {
      const { limits } = new RunMemory(bytes, given, () => undefined)
      assert.ok((limits.maxBodyBytes ?? 0) + (limits.maxInflatedBytes ?? 0) < (limits.maxBytesInFlight ?? 0))
      return [limits.maxBodyBytes, limits.maxInflatedBytes]
    }
    assert.deepEqual(sizes(16 * GIB), [16 * MIB, 64 * MIB], 'as usual')
    assert.deepEqual(sizes(512 * MIB), [16 * MIB, 32 * MIB], 'half of an eighth')
    assert.deepEqual(sizes(64 * MIB), [4 * MIB - 4_096, 4 * MIB])
    assert.deepEqual(sizes(16 * GIB, { maxBodyBytes: 200 * MIB }), [200 * MIB, 56 * MIB - 4_096])
    assert.deepEqual(sizes(GIB, { maxInflatedBytes: 100 * MIB }), [16 * MIB, 100 * MIB])
    for (const [given, where] of [
      [{ maxInflatedBytes: 64 * MIB }, '--limit inflated-body'],
      [{ maxBodyBytes: 64 * MIB }, '--limit body'],
    ] as const)
      assert.throws(() => new RunMemory(512 * MIB, given, () => undefined), { code: 'USAGE', where })
  })

  it('says who has to wait: senders, unless their events go into topics', () => {
    for (const [sendersWait, what] of [
      [true, /intake waits.*senders are told to come back/],
      [false, /topics wait.*taken into them as before/],
    ] as const) {
      const told: string[] = []
      const memory = new RunMemory(64e6, {}, (_level, message) => told.push(message), sendersWait)
      const { isFull } = memory.room(() => ({ heldBytes: 40e6, growthBytes: 0, uncountedBytes: 0 }))
      assert.ok(isFull)
      assert.match(told[0] ?? '', what)
    }
  })
})
