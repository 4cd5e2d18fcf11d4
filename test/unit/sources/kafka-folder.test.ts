/**
 * What a run on Kafka keeps in its data folder: F1 and F2 of `kafka-folder.ts`.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { KafkaFolder } from '../../../src/sources/kafka/kafka-folder.ts'

let path = ''
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'tidemark-kafka-folder-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const P = 'kafka/clicks-0'
const stamp = (from: number, to: number, floorMs = 5): Parameters<KafkaFolder['add']>[0] => {
  return { partition: P, from, to, floorMs, arrivalMs: 9 }
}

test('stamps are written with the epoch that their offsets belong to', () => {
  const folder = new KafkaFolder(path)
  for (const one of [stamp(0, 10, -Infinity), stamp(10, 20)]) folder.add(one)
  folder.write({ [P]: 15 })
  assert.deepEqual(new KafkaFolder(path).stampsOf(P), [stamp(0, 10, -Infinity)])
  folder.write({ [P]: 20 })
  assert.deepEqual(new KafkaFolder(path).stampsOf(P), [stamp(0, 10, -Infinity), stamp(10, 20)])
})

test('stamps of an epoch that was never committed are dropped, and so is a line that was being written', () => {
  const folder = new KafkaFolder(path)
  for (const one of [stamp(0, 10), stamp(10, 20)]) folder.add(one)
  folder.write({ [P]: 20 })
  appendFileSync(join(path, 'stamps.ndjson'), '{"partition":"kafka/cl')
  const next = new KafkaFolder(path)
  assert.equal(next.stampsOf(P).length, 2)
  next.dropAfter({ [P]: 10 })
  assert.deepEqual(new KafkaFolder(path).stampsOf(P), [stamp(0, 10)])
})

test('what was torn does not spoil what is written after it', () => {
  const folder = new KafkaFolder(path)
  folder.add(stamp(0, 10))
  folder.write({ [P]: 10 })
  appendFileSync(join(path, 'stamps.ndjson'), '{"partition":"kafka/cl')
  const next = new KafkaFolder(path)
  next.dropAfter({ [P]: 10 })
  next.add(stamp(10, 20))
  next.write({ [P]: 20 })
  assert.deepEqual(new KafkaFolder(path).stampsOf(P), [stamp(0, 10), stamp(10, 20)])
})

test('topics are known at the next start, and their positions are told from those of journals', () => {
  const known = { topic: 'ad-clicks', id: 'an id', from: [0, 7] }
  new KafkaFolder(path).remember('kafka', 'clicks', known)
  const folder = new KafkaFolder(path)
  assert.deepEqual(folder.topicOf('kafka', 'clicks'), known)
  assert.equal(folder.topicOf('kafka', 'impressions'), undefined)
  assert.deepEqual(folder.withoutTopics({ 'kafka/clicks-1': 3, 'http/clicks': 4 }), { 'http/clicks': 4 })
})

test('damage is told, with what to do', () => {
  writeFileSync(join(path, 'topics.json'), '{')
  assert.throws(() => new KafkaFolder(path), /topics\.json is damaged/)
})

test('stamps go once the topics no longer hold their offsets, when the file has grown', () => {
  const folder = new KafkaFolder(path)
  const other = { ...stamp(0, 10), partition: 'kafka/clicks-1' }
  const many = Array.from({ length: 20_000 }, (_, index) => stamp(10 * index, 10 * index + 10))
  for (const one of [other, ...many]) folder.add(one)
  folder.write({ [P]: 200_000, 'kafka/clicks-1': 10 })
  const size = statSync(join(path, 'stamps.ndjson')).size
  assert.ok(size > 1 << 20)
  new KafkaFolder(path).prune({ [P]: 0, 'kafka/clicks-1': 0 })
  assert.equal(statSync(join(path, 'stamps.ndjson')).size, size, 'nothing is gone yet')
  folder.prune({ [P]: 199_985, 'kafka/clicks-1': 5 })
  assert.deepEqual(folder.stampsOf(P), [stamp(199_980, 199_990), stamp(199_990, 200_000)])
  assert.deepEqual(folder.stampsOf('kafka/clicks-1'), [other])
  folder.prune({ [P]: 199_990, 'kafka/clicks-1': 5 })
  assert.equal(folder.stampsOf(P).length, 2, 'it is not worth it')
  folder.add(stamp(200_000, 200_010))
  folder.write({ [P]: 200_010 })
  assert.equal(new KafkaFolder(path).stampsOf(P).length, 3)
})

test('F3: the leader epoch of a position is known at the next start, as far as it was committed', () => {
  const folder = new KafkaFolder(path)
  for (const [position, epoch] of [
    [10, 3],
    [20, 3],
    [30, 5],
    [40, 7],
  ] as const)
    folder.noteLeaderEpoch(P, position, epoch)
  assert.equal(new KafkaFolder(path).leaderEpochAt(P, 40), undefined, 'control: nothing is on disk yet')
  folder.write({ [P]: 30 })
  const next = new KafkaFolder(path)
  assert.deepEqual(
    [9, 10, 20, 30, 40].map((position) => next.leaderEpochAt(P, position)),
    [undefined, 3, 3, 5, 7],
  )
  next.dropAfter({ [P]: 30 })
  assert.equal(next.leaderEpochAt(P, 40), 5)
  next.noteLeaderEpoch(P, 45, 6)
  next.write({ [P]: 45 })
  assert.equal(new KafkaFolder(path).leaderEpochAt(P, 45), 6)
  for (let epoch = 8; epoch < 100; epoch++) next.noteLeaderEpoch(P, 10 * epoch, epoch)
  next.write({ [P]: 990 })
  const last = new KafkaFolder(path)
  assert.deepEqual([last.leaderEpochAt(P, 990), last.leaderEpochAt(P, 80)], [99, undefined], 'old ones go')
})
