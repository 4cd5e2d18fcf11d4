/**
 * All sources of a run as one: what is read on while memory is full (A2), and who is told (A3).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OfferLines } from '../../../src/runtime/live-run.ts'
import type { IntakeStatus } from '../../../src/runtime/status.ts'
import { LiveSources, type LiveSourcesParts } from '../../../src/service/live-sources.ts'

/** Partition 0 is of the journal, 1 and 2 of the topics; W waits for `slowest`. */
class Rig {
  readonly polled: string[] = []
  slowest = 1
  readonly memory = { isClosed: false, canFollow: true }
  intake: IntakeStatus = { state: 'open', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }
  readonly sources: LiveSources

  constructor(topicIntake?: LiveSourcesParts['topicIntake']) {
    const reading = (name: string): Pick<LiveSourcesParts['journal'], 'poll' | 'onMore' | 'positions'> => ({
      poll: (_offer: OfferLines, only?: number) =>
        this.polled.push(only === undefined ? name : `${name} ${only}`) > 1_000,
      onMore: () => () => undefined,
      positions: () => ({}),
    })
    const rest = { isOnItsWay: () => false, unreadBytes: () => 0 }
    this.sources = new LiveSources({
      journal: {
        ...reading('journal'),
        ...rest,
        isWithinBlock: false,
        status: () => this.intake,
      },
      kafka: [{ ...reading('topics'), ...rest, owns: (partition) => partition > 0, problem: null }],
      away: {},
      topicIntake,
      watermarks: { slowest: () => this.slowest },
      memory: this.memory,
    })
  }

  /** Who is read in one poll. */
  poll(): readonly string[] {
    this.polled.length = 0
    this.sources.poll(() => undefined)
    return [...this.polled]
  }
}

describe('sources of a run while memory is full', () => {
  it('A2: the journal is read on, topics where W waits for them, and only while there is a reserve', () => {
    const rig = new Rig()
    assert.deepEqual(rig.poll(), ['journal', 'topics'])
    rig.memory.isClosed = true
    assert.deepEqual(rig.poll(), ['journal', 'topics 1'], 'W waits for one of them')
    rig.slowest = 2
    assert.deepEqual(rig.poll(), ['journal', 'topics 2'], 'and then for the other')
    rig.memory.canFollow = false
    assert.deepEqual(rig.poll(), ['journal'], 'no reserve is left')
    rig.memory.canFollow = true
    rig.slowest = 0
    assert.deepEqual(rig.poll(), ['journal'], 'W waits for the journal')
    rig.memory.isClosed = false
    assert.deepEqual(rig.poll(), ['journal', 'topics'], 'there is room again')
  })

  it('A3: senders into topics are not said to be turned away; those into the journal are', () => {
    for (const [topicIntake, state] of [
      [{ problem: null, queuedBytes: 5 }, 'open'],
      [{ problem: 'Broker 1 is away.', queuedBytes: 5 }, 'away'],
      [undefined, 'memory_full'],
    ] as const) {
      const rig = new Rig(topicIntake)
      rig.intake = { ...rig.intake, state: 'memory_full', message: 'It is full.' }
      assert.equal(rig.sources.status().state, state)
      assert.equal(rig.sources.status().message, state === 'away' ? 'Broker 1 is away.' : 'It is full.')
    }
  })
})
