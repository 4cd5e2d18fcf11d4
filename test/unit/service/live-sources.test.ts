/**
 * All sources of a run as one: what is read on while memory is full (A2).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LiveSources, type LiveSourcesParts } from '../../../src/service/live-sources.ts'

/** Partition 0 is of the journal, 1 of the topics; W waits for `slowest`. */
class Rig {
  readonly polled: string[] = []
  slowest = 1
  readonly memory = { isFull: false, canFollow: true }
  readonly sources: LiveSources

  constructor() {
    const reading = (name: string): Pick<LiveSourcesParts['journal'], 'poll' | 'onMore' | 'positions'> => ({
      poll: () => this.polled.push(name) > 1_000,
      onMore: () => () => undefined,
      positions: () => ({}),
    })
    const rest = { isOnItsWay: () => false, unreadBytes: () => 0 }
    this.sources = new LiveSources({
      journal: {
        ...reading('journal'),
        ...rest,
        isWithinBlock: false,
        status: () => ({ state: 'open', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }),
      },
      kafka: [{ ...reading('topics'), ...rest, owns: (partition) => partition === 1, problem: null }],
      away: {},
      topicIntake: undefined,
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
    rig.memory.isFull = true
    assert.deepEqual(rig.poll(), ['journal', 'topics'], 'W waits for them')
    rig.memory.canFollow = false
    assert.deepEqual(rig.poll(), ['journal'], 'no reserve is left')
    rig.memory.canFollow = true
    rig.slowest = 0
    assert.deepEqual(rig.poll(), ['journal'], 'W waits for the journal')
    rig.memory.isFull = false
    assert.deepEqual(rig.poll(), ['journal', 'topics'], 'there is room again')
  })
})
