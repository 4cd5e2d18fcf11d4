/**
 * Sample events of a class are of that class (S1 of src/service/raw/find-samples.ts), judged from the newest blocks of
 * a hostile live run alone:
 *
 * 1. taken out of the whole run, or given an id of its own, each is missing in its class of the recount, and in no
 *    other;
 * 2. with all blocks there, each class that the recount has is shown;
 * 3. control: who takes the first block that is there for the first that ever came is wrong.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EVENT_CLASSES, type EventClass, type Plan } from '../../src/pipeline/plan.ts'
import { SAMPLED_CLASSES, type SampleEvent } from '../../src/query/sample-answer.ts'
import { findSamples } from '../../src/service/raw/find-samples.ts'
import type { PartitionTail } from '../../src/service/raw/tail-reader.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import type { LineBatch } from '../../src/verify/admission.ts'
import { Malformed } from '../../src/verify/parse-event.ts'
import { decodeUtf8 } from '../../src/verify/readers/decode-utf8.ts'
import { eventParsers, recountLive, type LivePartition } from '../../src/verify/recount.ts'
import { trimRecord } from '../../src/verify/record.ts'
import type { Totals } from '../../src/verify/tally.ts'
import { checkAsyncProperty } from '../support/check-property.ts'
import { TEN_MS } from '../support/engine-rig.ts'
import { LiveDriver, type LiveStep } from '../support/live-driver.ts'
import { randomLog, type RandomLog } from '../support/random-log.ts'

const FILE = 'test/property/sample-events.property.test.ts'
/** In place of how many blocks are missing: nothing of the partition is known, as of a topic that cannot be read. */
const ELSEWHERE = 5

interface Block extends LineBatch {
  readonly lines: readonly Uint8Array[]
}

interface Part extends LivePartition {
  readonly batches: readonly Block[]
}

const logs = randomLog({ maxEvents: 150 })
const clock = fc.oneof(
  fc.integer({ min: -40 * MINUTE_MS, max: 40 * MINUTE_MS }).map((ms) => TEN_MS + ms),
  fc.constant(TEN_MS + 60 * MINUTE_MS),
)
const anySteps: fc.Arbitrary<LiveStep[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ append: fc.nat(5), lines: fc.integer({ min: 1, max: 8 }), arrivalMs: clock }),
    },
    { weight: 8, arbitrary: fc.record({ read: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ idle: fc.nat(5) }) },
    { weight: 4, arbitrary: fc.record({ advance: fc.oneof(fc.constant(-Infinity), clock) }) },
  ),
  { maxLength: 120, size: 'max' },
)
/** What a run rarely comes to by chance: all is read, and so late that no click waits any more. */
const END: readonly LiveStep[] = [
  ...Array.from({ length: 60 }, (_, i) => ({ read: i % 6 })),
  ...Array.from({ length: 6 }, (_, i) => ({ idle: i })),
  { advance: TEN_MS + 120 * MINUTE_MS },
]
const steps: fc.Arbitrary<LiveStep[]> = fc
  .tuple(anySteps, fc.boolean())
  .map(([some, isEnded]) => (isEnded ? [...some, ...END] : some))
const hidden = fc.oneof(
  fc.constant<readonly number[]>([0, 0, 0, 0, 0, 0]),
  fc.array(fc.nat(ELSEWHERE), { minLength: 6, maxLength: 6 }),
)

function run({ plan, partitions }: RandomLog, taken: readonly LiveStep[]): { parts: Part[]; watermarkMs: number } {
  const told = partitions.map((one) => ({ ...one, lines: one.lines.map(numbered) }))
  const driver = new LiveDriver(plan, told)
  for (const step of taken) driver.step(step)
  const parts = driver.blocksRead().map((part) => {
    return { ...part, batches: [...part.batches].map((batch) => ({ ...batch, lines: [...batch.lines] })) }
  })
  return { parts, watermarkMs: driver.watermarkMs }
}

/** A record with a member of its own, so that no two of a partition are alike. */
function numbered(line: Uint8Array, at: number): Uint8Array {
  const text = Buffer.from(line).toString('latin1')
  return Buffer.from(
    text.replace(/^\s*\{(?!\s*\})/, (begin) => `${begin}"at":${at},`),
    'latin1',
  )
}

/** The partitions without so many of their first blocks. */
function tailsOf(plan: Plan, parts: readonly Part[], counts: readonly number[]): readonly PartitionTail[] {
  return parts.map(({ stream, name, batches }, index): PartitionTail => {
    const count = counts[index] ?? 0
    if (count === ELSEWHERE) return { stream, name, unseenUpToMs: Infinity, blocks: [] }
    const arrivals = batches.slice(0, count).map(({ arrivalMs }) => arrivalMs)
    const unseenUpToMs = Math.max(-Infinity, ...arrivals) + plan.parameters.maxFutureSkewMs
    const blocks = batches.slice(count).map((batch) => ({
      ...batch,
      lines: Buffer.from(batch.lines.map((line) => `${Buffer.from(line).toString('latin1')}\n`).join(''), 'latin1'),
    }))
    return { stream, name, unseenUpToMs, blocks }
  })
}

async function samplesOf(
  plan: Plan,
  tails: readonly PartitionTail[],
  watermarkMs: number,
): Promise<readonly SampleEvent[]> {
  const giveWay = async (): Promise<void> => undefined
  const search = { plan, tails, watermarkMs, giveWay }
  const found = await Promise.all(
    SAMPLED_CLASSES.map((eventClass) => findSamples(search, { class: eventClass, stream: undefined, limit: 100 })),
  )
  return found.flat()
}

/** The run with the record of a sample taken out, or another in its place. */
function without(parts: readonly Part[], sample: SampleEvent, instead: object | null): readonly Part[] {
  const own = parts.find(({ name }) => name === sample.partition)
  assert.ok(own !== undefined)
  const isIt = (line: Uint8Array): boolean =>
    Buffer.from(trimRecord(line).subarray(0, 1_024)).toString('utf8') === sample.text
  const block = own.batches.findIndex(({ lines }) => lines.some(isIt))
  const at = own.batches[block]?.lines.findIndex(isIt) ?? -1
  assert.ok(at >= 0, `${sample.text} is in ${sample.partition}`)
  const put = instead === null ? [] : [Buffer.from(JSON.stringify(instead))]
  const batches = own.batches.map((batch, index) =>
    index === block ? { ...batch, lines: batch.lines.toSpliced(at, 1, ...put) } : batch,
  )
  return parts.map((part) => (part === own ? { ...part, batches } : part))
}

/** What a class has more in `totals` than in `changed`. */
function difference(totals: Totals, changed: Totals, stream: 'impressions' | 'clicks'): Map<EventClass, number> {
  const lost = EVENT_CLASSES.map((eventClass): [EventClass, number] => [
    eventClass,
    totals[stream].classes[eventClass] - changed[stream].classes[eventClass],
  ])
  return new Map(lost.filter(([, events]) => events !== 0))
}

/** Holds a sample against the recount; false where that tells nothing. */
function check(
  { plan, parts, totals, watermarkMs }: { plan: Plan; parts: readonly Part[]; totals: Totals; watermarkMs: number },
  sample: SampleEvent,
): boolean {
  const { kind } = sample.reason
  const lostBy = (instead: object | null): Map<EventClass, number> =>
    difference(totals, recountOf(plan, without(parts, sample, instead), watermarkMs), sample.stream)
  const told = (lost: Map<EventClass, number>): string => `${kind}: ${sample.text} ${JSON.stringify([...lost])}`
  const isUnclaimed = (lost: Map<EventClass, number>): boolean =>
    lost.size === 2 && (lost.get('orphan') ?? lost.get('pending') ?? lost.get('counted')) === -1
  const fresh = { click_id: 'fresh k', impression_id: 'fresh i', event_timestamp: sample.timeMs }
  if (kind === 'duplicate') {
    const lost = lostBy(fresh)
    assert.ok(lost.get(kind) === 1 && isUnclaimed(lost), told(lost))
    return true
  }
  if (kind === 'repeat' || kind === 'out_of_window') {
    const lost = lostBy({ ...fresh, click_id: sample.id })
    assert.ok(lost.get(kind) === 1 && isUnclaimed(lost), told(lost))
    return true
  }
  const lost = lostBy(null)
  // The highest event of its partition takes the watermark with it, and a copy takes the place of an accepted one.
  if (kind !== 'late' && lost.has('late')) return false
  if (kind === 'orphan' || kind === 'pending') {
    const other = lostBy({ ...fresh, click_id: sample.id })
    assert.deepEqual([...other], [], 'no impression would change it')
    if (copiesOf(plan, parts, sample) > 1) return false
  }
  assert.deepEqual([...lost], [[kind, 1]], told(lost))
  return true
}

function recountOf(plan: Plan, parts: readonly Part[], watermarkMs: number): Totals {
  return recountLive(plan, parts, watermarkMs, decodeUtf8).totals
}

function copiesOf(plan: Plan, parts: readonly Part[], { stream, id }: SampleEvent): number {
  const parse = eventParsers(plan, decodeUtf8)[stream]
  const lines = parts.filter((part) => part.stream === stream).flatMap(({ batches }) => batches.flatMap((b) => b.lines))
  return lines
    .map((line) => parse(trimRecord(line)))
    .filter((event) => !(event instanceof Malformed) && event.id === id).length
}

describe('sample events', () => {
  it('1, and J1 and J2 of sample-judge: are of their class, whatever was not looked at', async () => {
    const seen = new Map<string, number>()
    await checkAsyncProperty(
      fc.asyncProperty(logs, steps, hidden, async (log, taken, counts) => {
        const { parts, watermarkMs } = run(log, taken)
        const totals = recountOf(log.plan, parts, watermarkMs)
        for (const sample of await samplesOf(log.plan, tailsOf(log.plan, parts, counts), watermarkMs)) {
          const hasPrefix = counts.some((count) => count > 0) ? ' of a part' : ''
          if (!check({ plan: log.plan, parts, totals, watermarkMs }, sample)) continue
          const what = `${sample.stream} ${sample.reason.kind}${hasPrefix}`
          seen.set(what, (seen.get(what) ?? 0) + 1)
        }
      }),
      200,
      FILE,
    )
    const told = JSON.stringify([...seen])
    for (const eventClass of SAMPLED_CLASSES) assert.ok((seen.get(`clicks ${eventClass}`) ?? 0) > 0, told)
    for (const eventClass of ['late', 'future', 'duplicate'])
      assert.ok((seen.get(`impressions ${eventClass} of a part`) ?? 0) > 20, told)
  })

  it('2: where all is there, of each class that there is', async () => {
    let shown = 0
    await checkAsyncProperty(
      fc.asyncProperty(logs, steps, async (log, taken) => {
        const { parts, watermarkMs } = run(log, taken)
        const totals = recountOf(log.plan, parts, watermarkMs)
        const samples = await samplesOf(log.plan, tailsOf(log.plan, parts, []), watermarkMs)
        for (const stream of ['impressions', 'clicks'] as const) {
          for (const eventClass of SAMPLED_CLASSES) {
            const own = samples.filter((one) => one.stream === stream && one.reason.kind === eventClass)
            const events = totals[stream].classes[eventClass]
            assert.equal(own.length, Math.min(events, 100), `${stream} ${eventClass}`)
            shown += own.length
          }
        }
      }),
      150,
      FILE,
    )
    assert.ok(shown > 500, `${shown}`)
  })

  it('3, control: who takes what is there for all that came is wrong', async () => {
    const found = await fc.check(
      fc.asyncProperty(logs, steps, hidden, async (log, taken, counts) => {
        const { parts, watermarkMs } = run(log, taken)
        const tails = tailsOf(log.plan, parts, counts).map((tail) => ({ ...tail, unseenUpToMs: -Infinity }))
        const totals = recountOf(log.plan, parts, watermarkMs)
        for (const sample of await samplesOf(log.plan, tails, watermarkMs))
          check({ plan: log.plan, parts, totals, watermarkMs }, sample)
      }),
      { numRuns: 400, seed: 7, endOnFailure: true },
    )
    assert.ok(found.failed)
    assert.match(String(found.errorInstance), /^AssertionError/)
  })
})
