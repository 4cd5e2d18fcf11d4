/**
 * Events over HTTP on their way into topics: I1 to I5 of `topic-intake.ts`, with brokers that answer when a test says
 * so.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyOf } from '../../../src/sinks/kafka/record-key.ts'
import { MAX_RECORD_BYTES, TopicIntake, type RecordWriter } from '../../../src/sinks/kafka/topic-intake.ts'
import type { OutgoingRecord } from '../../../src/sinks/kafka/topic-writer.ts'
import { eventually } from '../../support/eventually.ts'

/** Brokers that take what they were given once they are let, or fail. */
class Brokers implements RecordWriter {
  readonly batches: OutgoingRecord[][] = []
  isClosed = false
  #waiting: OutgoingRecord[] = []
  #answer: { resolve: () => void; reject: (error: Error) => void } | undefined
  /** Values that are too large for them. */
  tooLarge = 'none'

  get isAsked(): boolean {
    return this.#answer !== undefined
  }

  add(record: OutgoingRecord): void {
    this.#waiting.push(record)
  }

  async flush(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    await new Promise<void>((resolve, reject) => (this.#answer = { resolve, reject }))
    if (batch.some(({ value }) => value.includes(this.tooLarge)))
      throw Object.assign(new Error('too large'), { apiId: 'MESSAGE_TOO_LARGE' })
    this.batches.push(batch)
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }

  async answer(error?: Error): Promise<void> {
    await eventually('they are asked', () => this.isAsked)
    const answer = this.#answer
    this.#answer = undefined
    if (error === undefined) answer?.resolve()
    else answer?.reject(error)
  }
}

interface Rig {
  readonly brokers: Brokers
  readonly intake: TopicIntake
  readonly told: string[]
  /** Ends the pause before the next look at the brokers. */
  readonly look: (answers: boolean) => Promise<void>
}

function openRig(more: readonly Brokers[] = []): Rig {
  const brokers = new Brokers()
  const told: string[] = []
  let answers = false
  let endPause: (() => void) | undefined
  const intake = new TopicIntake({
    source: 'kafka',
    topics: { impressions: 'ad-impressions', clicks: 'ad-clicks' },
    idFields: { impressions: 'impression_id', clicks: 'click_id' },
    writers: [...more, brokers],
    probe: async () => (answers ? Promise.resolve() : Promise.reject(new Error('away'))),
    pause: async (_ms, signal) =>
      new Promise((resolve) => {
        endPause = resolve
        signal.addEventListener('abort', () => resolve())
      }),
    log: (level, message) => told.push(`${level}: ${message}`),
  })
  const look = async (ok: boolean): Promise<void> => {
    await eventually('it waits', () => endPause !== undefined)
    answers = ok
    const end = endPause
    endPause = undefined
    end?.()
  }
  return { brokers, intake, told, look }
}

const lines = (...values: readonly string[]): Buffer => Buffer.from(values.map((value) => `${value}\n`).join(''))
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'acknowledged',
    (error: unknown) => {
      const { code, retryable } = error as { code: string; retryable: boolean }
      return retryable ? `${code}, again` : code
    },
  )

describe('events over HTTP on their way into topics', () => {
  it('I1: are acknowledged when the brokers have them, byte for byte, keyed by their own ids', async () => {
    const { brokers, intake } = openRig()
    const body = lines('{"impression_id": "i-1",  "x": 1}', '', '  ', 'no event', '{"impression_id": 7}')
    let isDone = false
    const appended = intake.append('impressions', body).then(() => (isDone = true))
    const other = intake.append('clicks', lines('{"click_id":"k","impression_id":"i-1"}'))
    await eventually('the brokers are asked', () => brokers.isAsked)
    body.fill(0x20)
    assert.equal(isDone, false)
    await brokers.answer()
    await Promise.all([appended, other])
    const [written = []] = brokers.batches
    assert.deepEqual(
      written.map(({ topic, key, value }) => [topic, key?.toString(), value.toString()]),
      [
        ['ad-impressions', 'i-1', '{"impression_id": "i-1",  "x": 1}'],
        ['ad-impressions', undefined, 'no event'],
        ['ad-impressions', '7', '{"impression_id": 7}'],
        ['ad-clicks', 'k', '{"click_id":"k","impression_id":"i-1"}'],
      ],
    )
    assert.equal(intake.queuedBytes, 0)
  })

  it('I1: come in one batch after another, those of many requests together', async () => {
    const { brokers, intake } = openRig()
    const first = intake.append('clicks', lines('{"click_id":"0"}'))
    await eventually('the brokers are asked', () => brokers.isAsked)
    const others = [1, 2, 3].map(async (id) => intake.append('clicks', lines(`{"click_id":"${id}"}`)))
    await brokers.answer()
    await first
    await brokers.answer()
    await Promise.all(others)
    assert.deepEqual(
      brokers.batches.map((batch) => batch.map(({ key }) => key?.toString())),
      [['0'], ['1', '2', '3']],
    )
  })

  it('I2, I3: fail together, may be sent again, and nothing is taken until the brokers answer', async () => {
    const { brokers, intake, told, look } = openRig()
    const first = codeOf(intake.append('clicks', lines('{"click_id":"0"}')))
    await eventually('the brokers are asked', () => brokers.isAsked)
    const second = codeOf(intake.append('clicks', lines('{"click_id":"1"}')))
    await brokers.answer(new Error('hung up'))
    assert.deepEqual(await Promise.all([first, second]), Array(2).fill('KAFKA_UNAVAILABLE, again'))
    assert.equal(intake.isOpen, false)
    assert.match(intake.problem ?? '', /topics of "kafka": hung up/)
    assert.equal(intake.closedBy?.code, 'KAFKA_UNAVAILABLE')
    assert.equal(await codeOf(intake.append('clicks', lines('{"click_id":"2"}'))), 'KAFKA_UNAVAILABLE, again')
    await look(false)
    assert.equal(intake.isOpen, false)
    await look(true)
    await eventually('it takes events again', () => intake.isOpen)
    assert.equal(intake.closedBy, undefined)
    assert.equal(told.length, 2, told.join('\n'))
    const again = codeOf(intake.append('clicks', lines('{"click_id":"2"}')))
    await brokers.answer()
    assert.equal(await again, 'acknowledged')
    assert.equal(brokers.batches.length, 1)
  })

  it('I4: refuses what is too large for a broker before it is written, and what a topic refuses alone', async () => {
    const { brokers, intake } = openRig()
    const long = 'x'.repeat(MAX_RECORD_BYTES + 1)
    assert.equal(await codeOf(intake.append('clicks', lines('{}', long))), 'INPUT_BAD_DATA')
    assert.equal(brokers.isAsked, false)
    brokers.tooLarge = 'a lot'
    const held = codeOf(intake.append('clicks', lines('{"click_id":"0"}')))
    await eventually('the brokers are asked', () => brokers.isAsked)
    const together = ['{"click_id":"1"}', '{"click_id":"a lot"}', '{"click_id":"2"}'].map(async (line) =>
      codeOf(intake.append('clicks', lines(line))),
    )
    for (let answers = 0; answers < 5; answers++) await brokers.answer()
    assert.deepEqual(
      [await held, ...(await Promise.all(together))],
      ['acknowledged', 'acknowledged', 'INPUT_BAD_DATA', 'acknowledged'],
    )
    assert.equal(intake.isOpen, true)
  })

  it('I5: go side by side where there is enough for a batch of their own, one batch a writer', async () => {
    const second = new Brokers()
    const { brokers, intake, told } = openRig([second])
    const large = (id: string): Buffer => lines(`{"click_id":"${id}","x":"${'x'.repeat(70_000)}"}`)
    const first = codeOf(intake.append('clicks', lines('{"click_id":"0"}')))
    await eventually('the brokers are asked', () => brokers.isAsked)
    const small = codeOf(intake.append('clicks', lines('{"click_id":"1"}')))
    assert.equal(second.isAsked, false, 'a little waits')
    const beside = codeOf(intake.append('clicks', large('2')))
    await eventually('another writer is asked', () => second.isAsked)
    const after = codeOf(intake.append('clicks', large('3')))
    await second.answer()
    assert.deepEqual(await Promise.all([small, beside]), Array(2).fill('acknowledged'))
    await eventually('the writer goes on', () => second.isAsked)
    await Promise.all([brokers.answer(new Error('hung up')), second.answer(new Error('hung up'))])
    assert.deepEqual(await Promise.all([first, after]), Array(2).fill('KAFKA_UNAVAILABLE, again'))
    assert.equal(told.length, 1, 'told once, however many batches fail')
    await intake.close()
    assert.ok(brokers.isClosed && second.isClosed)
  })

  it('ends with what was under way, and takes nothing more', async () => {
    const { brokers, intake } = openRig()
    const appended = codeOf(intake.append('clicks', lines('{"click_id":"0"}')))
    await eventually('the brokers are asked', () => brokers.isAsked)
    const closing = intake.close()
    assert.equal(await codeOf(intake.append('clicks', lines('{}'))), 'KAFKA_UNAVAILABLE, again')
    assert.equal(brokers.isClosed, false)
    await brokers.answer()
    assert.equal(await appended, 'acknowledged')
    await closing
    assert.equal(brokers.isClosed, true)
  })
})

describe('keys of records', () => {
  it('are the ids of events; what is no event has none', () => {
    const key = (line: string): string | undefined => keyOf(Buffer.from(line), 'id')?.toString()
    assert.deepEqual(['{"id":"ä"}', '{"id":12}', '{"id":null}', '{"id":{}}', '[1]', 'null', '{', '{"x":1}'].map(key), [
      'ä',
      '12',
      ...Array<undefined>(6).fill(undefined),
    ])
    assert.equal(key(`{"id":"${'i'.repeat(5_000)}"}`)?.length, 1_024)
  })
})
