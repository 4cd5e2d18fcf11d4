/**
 * The memory of a run by M1 to M9: what is counted, who is sent away, and that a run that is full always opens again.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryRoom, type MemoryReadings } from '../../../src/runtime/memory-room.ts'
import type { MemoryStatus } from '../../../src/runtime/status.ts'
import { OwnedTime } from '../../support/owned-time.ts'

const MB = 1_000_000
const LIMIT_BYTES = 1_000 * MB
/** What is full is told as such for so long (M9). */
const FULL_MS = 1_000

/** A process that is what a test says it is. */
class Rig {
  readonly time = new OwnedTime(0)
  readonly told: MemoryStatus[] = []
  readonly room: MemoryRoom
  readings: MemoryReadings = {
    heldBytes: 100 * MB,
    growthBytes: 50 * MB,
    residentBytes: 300 * MB,
    inFlightBytes: 40 * MB,
    uncountedBytes: 20 * MB,
  }

  constructor() {
    this.room = new MemoryRoom({
      limitBytes: LIMIT_BYTES,
      look: () => this.readings,
      steadyMs: () => this.time.steadyMs(),
      collect: () => this.collect(),
      onChange: (status) => this.told.push(status),
    })
  }

  /** What the collector does. */
  collect: () => void = () => undefined

  /** What it is from the next look on. */
  become(readings: Partial<MemoryReadings>, afterMs: number = 50): this {
    this.readings = { ...this.readings, ...readings }
    this.time.jump(afterMs)
    return this
  }

  get needed(): number {
    return this.room.status.neededBytes / MB
  }
}

describe('memory room', () => {
  it('M1: counts what is held, what growth and requests may take, and half of what is not counted yet', () => {
    const rig = new Rig()
    assert.equal(rig.needed, 300 + 50 + 40 + 10)
    for (const [name, more] of [
      ['growthBytes', 100],
      ['inFlightBytes', 100],
      ['uncountedBytes', 50],
    ] as const) {
      const before = rig.needed
      rig.become({ [name]: rig.readings[name] + 100 * MB })
      assert.equal(rig.needed, before + more, name)
    }
  })

  it('M1: what was admitted since the last look counts, and what does not fit is refused', () => {
    const rig = new Rig()
    // 960 may be used, of which 400 are.
    assert.ok(rig.room.admit(1_000 * MB))
    assert.equal(rig.needed, 900)
    assert.ok(!rig.room.admit(200 * MB))
    assert.ok(rig.room.isFull)
    assert.deepEqual(
      rig.told.map(({ isFull }) => isFull),
      [true],
    )
    rig.become({}, FULL_MS)
    assert.ok(!rig.room.isFull, 'none of it came')
  })

  it('says what is the matter: given, allowed, and what to do', () => {
    const rig = new Rig().become({ heldBytes: 800 * MB, residentBytes: 1_000 * MB })
    assert.ok(rig.room.isFull)
    const { code, retryable, message, fix, allowed } = rig.room.refusal()
    assert.deepEqual([code, retryable, allowed], ['MEMORY_FULL', true, ['up to 1000000000 bytes']])
    assert.match(message, /\(1\.10 GB of 1\.00 GB\)/)
    assert.match(fix ?? '', /--memory.*attributionWindow.*allowedLateness.*Kafka and Flink/)
  })

  it('M8: is full until some of it is free again, and tells each turn once', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 900 * MB })
    assert.ok(rig.room.isFull)
    rig.become({ growthBytes: 5 * MB }, FULL_MS)
    assert.ok(rig.room.isFull, 'under the limit, but not by much')
    rig.become({ growthBytes: 0, uncountedBytes: 0, inFlightBytes: 30 * MB })
    assert.ok(!rig.room.isFull)
    assert.deepEqual(
      rig.told.map(({ isFull }) => isFull),
      [true, false],
    )
  })

  it('M9: is told as full for a second at least, and takes what fits as soon as there is room', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 900 * MB })
    assert.ok(rig.room.isFull)
    rig.become({ heldBytes: 300 * MB }, FULL_MS - 1)
    assert.ok(rig.needed < 900 && rig.room.isFull && rig.room.admit(1))
    rig.time.jump(50)
    assert.ok(!rig.room.isFull)
  })

  it('M8: who sends more than fits takes nothing from those whose batches fit', () => {
    const rig = new Rig().become({ heldBytes: 720 * MB, residentBytes: 840 * MB })
    const refused = { large: 0, small: 0 }
    for (let look = 0; look < 200; look++) {
      rig.become({})
      if (look % 20 === 0 && !rig.room.admit(100 * MB)) refused.large++
      for (let batch = 0; batch < 5; batch++) if (!rig.room.admit(10_000)) refused.small++
    }
    assert.equal(rig.needed, 940.025, 'not so much free that it would open again, had it closed')
    assert.deepEqual(refused, { large: 10, small: 0 })
    assert.ok(rig.told.some(({ isFull }) => isFull))
    rig.become({ heldBytes: 750 * MB, residentBytes: 870 * MB })
    assert.ok(rig.room.isClosed && !rig.room.admit(1), 'control: a look that finds it full closes it to all')
    rig.become({ heldBytes: 730 * MB, residentBytes: 850 * MB })
    assert.ok(rig.room.isClosed && !rig.room.admit(1), 'it fits, but not enough is free')
  })

  it('M9: where appends fill it again and again, it tells so once a second and not at each', () => {
    const rig = new Rig().become({ heldBytes: 720 * MB, residentBytes: 820 * MB })
    let [roomWhileFull, refused] = [0, 0]
    for (let look = 0; look < 200; look++) {
      rig.become({})
      if (rig.room.isFull && rig.needed < 940) roomWhileFull++
      if (!rig.room.admit(100 * MB)) refused++
    }
    assert.ok(roomWhileFull > 150 && refused > 150, 'control: any of these looks would have opened it')
    const fell = rig.told.filter(({ isFull }) => isFull).length
    assert.ok(fell >= 5 && fell <= 10, `${fell} times in ten seconds`)
  })

  it('M5: what was forgotten is room, although the system has not taken it back', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 900 * MB })
    assert.ok(rig.room.isFull)
    rig.become({ heldBytes: 300 * MB }, FULL_MS)
    assert.equal(rig.needed, 300 + 200 + 50 + 40 + 10)
    assert.ok(!rig.room.isFull)
    rig.become({ heldBytes: 500 * MB })
    assert.equal(rig.needed, 500 + 200 + 50 + 40 + 10, 'and is used again')
  })

  it('M5: control: what grows beside the engine is seen, however much was forgotten', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 900 * MB })
    assert.ok(rig.room.isFull)
    rig.become({ heldBytes: 300 * MB, residentBytes: 1_200 * MB })
    assert.equal(rig.needed, 300 + 500 + 50 + 40 + 10)
    rig.become({ residentBytes: 400 * MB })
    assert.equal(rig.needed, 300 + 100 + 50 + 40 + 10, 'given back')
  })

  it('M5: garbage that comes and goes does not add up, however often the state shrinks and grows again', () => {
    const rig = new Rig().become({ heldBytes: 500 * MB, residentBytes: 700 * MB })
    const need = rig.needed
    for (let look = 0; look < 2_000; look++) {
      const heldBytes = (500 - (look % 40)) * MB
      const residentBytes = (700 + 80 * ((look % 7) / 6)) * MB
      rig.become({ heldBytes, residentBytes })
      assert.ok(rig.needed <= need + 80, `${rig.needed} at look ${look}`)
    }
    rig.become({ heldBytes: 300 * MB, residentBytes: 700 * MB })
    assert.ok(rig.needed <= need - 200 + 80, `${rig.needed} in the end`)
  })

  it('M7: nobody is refused for garbage: the collector runs before, and not without need', () => {
    const rig = new Rig()
    let runs = 0
    const runsSoFar = (): number => runs
    rig.collect = (): void => {
      runs++
      rig.readings = { ...rig.readings, residentBytes: 600 * MB }
    }
    rig.become({ residentBytes: 700 * MB })
    assert.ok(!rig.room.isFull)
    assert.equal(runsSoFar(), 0)
    rig.become({ residentBytes: 900 * MB })
    assert.ok(!rig.room.isFull && runsSoFar() === 1)
    rig.become({ residentBytes: 900 * MB })
    assert.ok(rig.room.isFull && runsSoFar() === 1, 'control: it did a moment ago, and it is full')
    rig.time.jump(5_000)
    assert.ok(!rig.room.isFull && runsSoFar() === 2)
  })

  it('M4: topics that W waits for are read on until the reserve is used up', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 870 * MB })
    assert.ok(rig.room.isFull && rig.room.canFollow)
    rig.become({ heldBytes: 740 * MB, residentBytes: 910 * MB })
    assert.ok(rig.room.isFull && !rig.room.canFollow)
  })

  it('M4: so are files, and what they were given counts at once', () => {
    const rig = new Rig().become({ heldBytes: 700 * MB, residentBytes: 870 * MB })
    assert.ok(!rig.room.admit(MB) && rig.room.follow(20 * MB))
    assert.equal(rig.needed, 870 + 50 + 40 + 10 + 10)
    assert.ok(!rig.room.follow(60 * MB), 'over the limit')
    assert.ok(rig.room.follow(40 * MB) && !rig.room.follow(2 * MB))
  })

  it('M6: a limit that the program alone fills leaves room for some events', () => {
    const rig = new Rig().become({ heldBytes: 30 * MB, residentBytes: 1_500 * MB, uncountedBytes: 0 })
    assert.ok(!rig.room.isFull && rig.room.canFollow && rig.room.admit(MB))
    rig.become({ heldBytes: 40 * MB, residentBytes: 1_510 * MB })
    assert.ok(rig.room.isFull && !rig.room.canFollow && !rig.room.admit(MB))
  })
})
