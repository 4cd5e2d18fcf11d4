/**
 * A pipeline by its invariants I1 and I2: every record goes to the engine once, malformed ones to the dead letters too.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamName } from '../../../src/pipeline/plan.ts'
import { Pipeline } from '../../../src/runtime/pipeline.ts'
import type { DeadLetter } from '../../../src/runtime/ports.ts'
import { adPlan, TEN_MS } from '../../support/engine-rig.ts'
import { clickLine, impressionLine, lineBytes } from '../../support/event-lines.ts'

const plan = adPlan()
const decoder = new TextDecoder()

class Fed {
  readonly letters: (Omit<DeadLetter, 'bytes'> & { readonly text: string })[] = []
  readonly pipeline: Pipeline

  constructor(partitions: readonly StreamName[] = ['impressions', 'clicks']) {
    this.pipeline = new Pipeline({
      plan,
      rollUps: plan.tables,
      partitions: partitions.map((stream, i) => ({ stream, name: `${stream}-${i}.ndjson` })),
      deadLetters: {
        write: ({ bytes, ...letter }) => this.letters.push({ ...letter, text: decoder.decode(bytes) }),
      },
      random: new Int32Array(16).fill(5),
    })
  }

  offer(partition: number, ...lines: readonly string[]): this {
    const bytes = lineBytes(...lines)
    this.pipeline.offerLines(partition, bytes, 0, bytes.length, Infinity)
    return this
  }
}

describe('pipeline', () => {
  it('I1: a malformed record becomes a dead letter that says where, why and what', () => {
    const free = impressionLine('i2', TEN_MS, { cost: 'free' })
    const { letters } = new Fed().offer(0, impressionLine('i1', TEN_MS), '', `  ${free} `, 'nonsense').offer(1, '{}')
    assert.deepEqual(letters, [
      {
        stream: 'impressions',
        partition: 'impressions-0.ndjson',
        position: 3,
        reason: 'wrong_type',
        field: 'cost',
        text: free,
        byteLength: free.length,
      },
      {
        stream: 'impressions',
        partition: 'impressions-0.ndjson',
        position: 4,
        reason: 'not_json',
        field: undefined,
        text: 'nonsense',
        byteLength: 8,
      },
      {
        stream: 'clicks',
        partition: 'clicks-1.ndjson',
        position: 1,
        reason: 'missing_field',
        field: letters[2]?.field,
        text: '{}',
        byteLength: 2,
      },
    ])
    assert.ok(plan.streams.clicks.fields.some(({ name, required }) => required && name === letters[2]?.field))
  })

  it('I1: lines are numbered by partition, however they are handed over', () => {
    const { letters } = new Fed(['impressions', 'impressions'])
      .offer(0, 'bad', impressionLine('i1', TEN_MS))
      .offer(1, 'bad')
      .offer(0, 'bad')
      .offer(1, '', 'bad')
    assert.deepEqual(
      letters.map(({ partition, position }) => [partition, position]),
      [
        ['impressions-0.ndjson', 1],
        ['impressions-1.ndjson', 1],
        ['impressions-0.ndjson', 3],
        ['impressions-1.ndjson', 3],
      ],
    )
  })

  it('I1: a letter holds the start of a long record and its whole length', () => {
    const long = `{"x":"${'y'.repeat(20_000)}"`
    const { letters } = new Fed().offer(0, long)
    assert.equal(letters[0]?.text, long.slice(0, 4_096))
    assert.equal(letters[0]?.byteLength, long.length)
  })

  it('I1: more records than a batch holds are all offered, once, in order', () => {
    const { pipeline, letters } = new Fed()
    const lines = Array.from({ length: 5_000 }, (_, i) =>
      i % 1_000 === 999 ? 'bad' : impressionLine(`i${i}`, TEN_MS + i),
    )
    const bytes = lineBytes(...lines)
    pipeline.offerLines(0, bytes, 0, bytes.length, Infinity)
    assert.equal(pipeline.eventsRead, 5_000)
    assert.deepEqual([...pipeline.eventsReadOf], [5_000, 0])
    assert.deepEqual([...pipeline.nextLineOf], [5_001, 1])
    const { counted, malformed, duplicate } = pipeline.engine.classesOf('impressions')
    assert.deepEqual([counted, malformed, duplicate], [4_995, 5, 0])
    assert.deepEqual(
      letters.map(({ position }) => position),
      [1_000, 2_000, 3_000, 4_000, 5_000],
    )
  })

  it('joins what its decoders read: ids of both streams are hashed alike', () => {
    const ids = ['6f1c1d3e-8a53-4b0c-9a8e-1f2d3c4b5a69', 'plain', '123', 'ж', 'x'.repeat(500)]
    const { pipeline } = new Fed()
      .offer(0, ...ids.map((id) => impressionLine(id, TEN_MS)))
      .offer(1, ...ids.map((id, i) => clickLine(`k${i}`, id, TEN_MS + 1)))
    assert.equal(pipeline.engine.classesOf('clicks').counted, ids.length)
  })

  it('reads only the part of a block it is given', () => {
    const { pipeline } = new Fed()
    const bytes = lineBytes('bad', impressionLine('i1', TEN_MS), 'bad')
    pipeline.offerLines(0, bytes, 4, bytes.length - 4, Infinity)
    const { counted, malformed } = pipeline.engine.classesOf('impressions')
    assert.deepEqual([counted, malformed], [1, 0])
  })
})
