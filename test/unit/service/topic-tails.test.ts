/**
 * Samples beside topics that break off, or that nothing comes of (T3, T4 of src/service/raw/topic-tails.ts).
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { TidemarkError } from '../../../src/errors.ts'
import type { SampledClass } from '../../../src/query/sample-answer.ts'
import { findSamples } from '../../../src/service/raw/find-samples.ts'
import type { PartitionTail, TailBlock } from '../../../src/service/raw/tail-reader.ts'
import { withTopics, type TopicQuestion } from '../../../src/service/raw/topic-tails.ts'
import type { TopicPartitions } from '../../../src/service/verify-topics.ts'
import type { SpillBatch, SpillPartition } from '../../../src/verify/spill.ts'
import { afterwards } from '../../support/afterwards.ts'
import { adPlan } from '../../support/engine-rig.ts'
import { clickLine, impressionLine } from '../../support/event-lines.ts'

const plan = adPlan()
const NOW_MS = Date.parse('2026-01-01T12:00:00Z')
const NAME = 'ads/impressions-0'
const NO_RUN = join(tmpdir(), 'tidemark-no-such-run')

const UNREAD = { read: [], late: ['late'], pending: [] }
const READ = { read: [NAME], late: ['late'], pending: ['pending'] }

type Batches = SpillPartition['batches']
type Open = NonNullable<TopicQuestion['open']>
type Found = typeof UNREAD | typeof READ

/**
 * What is told of a journal with a late click, and one whose impression is not in it, beside a topic of impressions.
 */
async function found(open: Open, question: Partial<TopicQuestion> = {}): Promise<Found> {
  const asked = { plan, dataDir: NO_RUN, positions: { [NAME]: 2 }, names: [NAME], open, ...question }
  const idsOf = async (sampled: SampledClass, tails: readonly PartitionTail[]): Promise<string[]> => {
    const search = { plan, tails: [journalTail(), ...tails], watermarkMs: NOW_MS, giveWay: async () => undefined }
    return (await findSamples(search, { class: sampled, stream: undefined, limit: 10 })).map(({ id }) => id)
  }
  const late = await withTopics(asked, async ({ tails, read }) => ({ ids: await idsOf('late', tails), read }))
  const pending = await withTopics(asked, async ({ tails, read }) => ({ ids: await idsOf('pending', tails), read }))
  assert.deepEqual(late.read, pending.read)
  return { read: [...late.read], late: late.ids, pending: pending.ids }
}

function journalTail(): PartitionTail {
  const lines = [clickLine('pending', 'nobody', NOW_MS), clickLine('late', 'nobody', NOW_MS - 3_600_000)]
  const block: TailBlock = {
    arrivalMs: NOW_MS,
    floorMs: -Infinity,
    lines: Buffer.from(lines.map((line) => `${line}\n`).join('')),
  }
  return { stream: 'clicks', name: 'http/clicks', unseenUpToMs: -Infinity, blocks: [block] }
}

function opening(batches: () => Batches, close: () => void = () => undefined): () => Promise<TopicPartitions> {
  const partition = (): SpillPartition => ({ stream: 'impressions', name: NAME, batches: batches() })
  return async () => ({ partitions: [partition()], close: async () => close() })
}

const BATCH: SpillBatch = {
  arrivalMs: Infinity,
  floorMs: -Infinity,
  lines: [Buffer.from(impressionLine('other', NOW_MS))],
}

async function* whole(): AsyncGenerator<SpillBatch> {
  yield BATCH
}

async function* breakingOff(error: Error): AsyncGenerator<SpillBatch> {
  yield BATCH
  throw error
}

async function* falling(silence: Promise<never>): AsyncGenerator<SpillBatch> {
  yield BATCH
  await silence
}

it('control: a topic that is read whole is named as read, and its impressions are looked at', async () => {
  assert.deepEqual(await found(opening(whole)), READ)
})

it('T3: where a topic breaks off while it is read, what is told without it is told', async () => {
  for (const code of ['KAFKA_UNAVAILABLE', 'KAFKA_CORRUPT', 'KAFKA_GAP'] as const) {
    let closed = 0
    const open = opening(
      () => breakingOff(new TidemarkError(code, 'broken', { fix: 'wait' })),
      () => closed++,
    )
    assert.deepEqual(await found(open), UNREAD, code)
    assert.equal(closed, 2, 'nothing is left open')
  }
})

it('control: what is not about Kafka is not passed over', async () => {
  await assert.rejects(found(opening(() => breakingOff(new RangeError('a fault of ours')))), RangeError)
  const damaged = new TidemarkError('JOURNAL_CORRUPT', 'broken', { fix: 'wait' })
  await assert.rejects(found(opening(() => breakingOff(damaged))), { code: 'JOURNAL_CORRUPT' })
})

it('T3: a damaged folder of the topics is like topics that are away', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-topics-'))
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  mkdirSync(join(dataDir, 'kafka'))
  writeFileSync(join(dataDir, 'kafka', 'topics.json'), '{"torn')
  assert.deepEqual(await found(opening(whole), { dataDir }), UNREAD)
})

it('T4: a broker that falls silent is not waited for any longer than that', async () => {
  const { promise } = Promise.withResolvers<never>()
  assert.deepEqual(
    await found(
      opening(() => falling(promise)),
      { maxWaitMs: 20 },
    ),
    UNREAD,
  )
})

it('T4: nor one that never says what it has; what it opens then is let go of', async () => {
  const gate = Promise.withResolvers<undefined>()
  const closed = Promise.withResolvers<undefined>()
  const open: Open = async () => {
    await gate.promise
    return { partitions: [], close: async () => closed.resolve(undefined) }
  }
  assert.deepEqual(await found(open, { maxWaitMs: 20 }), UNREAD)
  gate.resolve(undefined)
  await closed.promise
})
