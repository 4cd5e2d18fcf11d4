/**
 * Laws that hold for every log whose disorder stays within outOfOrderness, each with a control that shows it can fail:
 *
 * 1. any partitioning by id gives the same tables;
 * 2. an event read again changes its duplicate counter and nothing else;
 * 3. any arrival within outOfOrderness gives the same tables;
 * 4. any order of reading the streams gives the same tables.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TextRow, TextTables } from '../../src/pipeline/table-text.ts'
import { checkProperty } from '../support/check-property.ts'
import { stepPartitions, type DrivenPartition, type Step } from '../support/engine-driver.ts'
import { adPlan, TEN_MS } from '../support/engine-rig.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'

const FILE = 'test/property/engine-laws.property.test.ts'
const MAX_PARTITIONS = 4

interface Event {
  readonly stream: StreamName
  readonly id: string
  readonly timeMs: number
  readonly line: string
}

interface Log {
  readonly plan: Plan
  /** By event time. */
  readonly events: readonly Event[]
  /** How much later than its time each event arrives, as a share of outOfOrderness. */
  readonly delays: readonly number[]
  readonly otherDelays: readonly number[]
  /** Partition of each id, by its number. */
  readonly places: readonly number[]
}

const plans = fc.constantFrom(
  adPlan({ attributionWindow: '1m', outOfOrderness: '5s', allowedLateness: '2s' }),
  adPlan({ attributionWindow: '10s', outOfOrderness: '30s', allowedLateness: '0s', windowSize: '10s' }),
  adPlan({ attributionWindow: '10s', outOfOrderness: '5s', allowedLateness: '1s', clockSkewTolerance: '8s' }),
  adPlan(),
)

/**
 * Events of a plan: ids that come again only when they are new events again, so that no copy differs from the first.
 */
function eventsOf({ parameters }: Plan): fc.Arbitrary<Event[]> {
  const againMs = parameters.attributionWindowMs + parameters.allowedLatenessMs + 1
  const spreadMs = 2 * againMs + 60_000
  const time = fc.nat(spreadMs).map((ms) => TEN_MS + ms)
  const impression = fc.record({ number: fc.nat(40), timeMs: time, campaign: fc.nat(3), isAgain: fc.boolean() })
  const click = fc.record({ number: fc.nat(45), awayMs: fc.integer({ min: -10_000, max: againMs + 10_000 }) })
  return fc
    .record({
      impressions: fc.uniqueArray(impression, { selector: ({ number }) => number, maxLength: 30, size: 'max' }),
      clicks: fc.array(click, { maxLength: 40, size: 'max' }),
    })
    .map(({ impressions, clicks }) => {
      const times = new Map(impressions.map(({ number, timeMs }) => [number, timeMs]))
      const events = impressions.flatMap(({ number, timeMs, campaign, isAgain }) =>
        (isAgain ? [timeMs, timeMs + againMs] : [timeMs]).map((t) => {
          const id = `i${number}`
          const line = impressionLine(id, t, { campaign_id: `c${campaign}`, cost: campaign / 7 })
          return { stream: 'impressions' as const, id, timeMs: t, line }
        }),
      )
      const onThem = clicks.map(({ number, awayMs }, i) => {
        const timeMs = (times.get(number) ?? TEN_MS) + awayMs
        return { stream: 'clicks' as const, id: `k${i}`, timeMs, line: clickLine(`k${i}`, `i${number}`, timeMs) }
      })
      return [...events, ...onThem].toSorted((a, b) => a.timeMs - b.timeMs)
    })
}

const logs: fc.Arbitrary<Log> = plans.chain((plan) =>
  eventsOf(plan).chain((events) => {
    const shares = fc.array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
      minLength: events.length,
      maxLength: events.length,
    })
    const places = fc.array(fc.nat(MAX_PARTITIONS - 1), { minLength: 50, maxLength: 50 })
    return fc.record({
      plan: fc.constant(plan),
      events: fc.constant(events),
      delays: shares,
      otherDelays: shares,
      places,
    })
  }),
)

/** Events as they arrive: each up to outOfOrderness after its time, so that none is further behind than that. */
function arriving(log: Log, delays: readonly number[], scale: number = 1): Event[] {
  const { outOfOrdernessMs } = log.plan.parameters
  return log.events
    .map((event, i) => ({ event, atMs: event.timeMs + Math.floor((delays[i] ?? 0) * outOfOrdernessMs * scale) }))
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ event }) => event)
}

/** Puts events into partitions by id. */
function partitioned(events: readonly Event[], placeOf: (id: string) => number): DrivenPartition[] {
  return (['impressions', 'clicks'] as const).flatMap((stream) =>
    Array.from({ length: MAX_PARTITIONS }, (_, place) => ({
      stream,
      lines: events
        .filter((event) => event.stream === stream && placeOf(event.id) === place)
        .map(({ line }) => Buffer.from(line)),
    })),
  )
}

const inOne = (): number => 0
const byNumber =
  (places: readonly number[]) =>
  (id: string): number =>
    places[Number(id.slice(1))] ?? 0

/** Tables of a run that reads partitions round by round, a few lines each, with looks in between. */
function tablesOf(plan: Plan, partitions: readonly DrivenPartition[]): TextTables {
  const round = partitions.flatMap((_, read): Step[] => [{ read, lines: 3 }, 'advance'])
  const steps = Array.from({ length: 12 }, (): Step[] => [...round, 'changes']).flat()
  const { tables, brokenFinals, imbalances } = stepPartitions(plan, partitions, steps)
  assert.deepEqual([...brokenFinals, ...imbalances], [])
  return tables
}

function withoutLedger(tables: TextTables): Map<string, readonly TextRow[]> {
  return new Map([...tables].filter(([name]) => name !== 'ledger'))
}

/** Ledger rows of one class, or of all others. */
function ledgerRows(tables: TextTables, keep: (eventClass: string) => boolean): TextRow[] {
  return (tables.get('ledger') ?? []).filter((row) => keep(row[2] ?? ''))
}

describe('laws of the engine', () => {
  it('no event of these logs is late, and all kinds of classes occur', () => {
    const seen = new Set<string>()
    checkProperty(
      fc.property(logs, (log) => {
        const tables = tablesOf(log.plan, partitioned(arriving(log, log.delays), inOne))
        for (const row of tables.get('ledger') ?? []) seen.add(row[2] ?? '')
        assert.ok(!seen.has('late'))
      }),
      60,
      FILE,
    )
    for (const name of ['counted', 'repeat', 'out_of_window', 'orphan']) assert.ok(seen.has(name), name)
  })

  it('1: any partitioning by id gives the same tables', () => {
    checkProperty(
      fc.property(logs, (log) => {
        const events = arriving(log, log.delays)
        const expected = tablesOf(log.plan, partitioned(events, inOne))
        assert.deepEqual(tablesOf(log.plan, partitioned(events, byNumber(log.places))), expected)
      }),
      120,
      FILE,
    )
  })

  it('1, control: beyond outOfOrderness + L it decides which events are late', () => {
    const plan = adPlan({ outOfOrderness: '0s', allowedLateness: '0s' })
    const lines = [impressionLine('i1', TEN_MS), impressionLine('i2', TEN_MS - 1)].map((line) => Buffer.from(line))
    const [first, second] = lines as [Buffer, Buffer]
    const together = tablesOf(plan, [{ stream: 'impressions', lines }])
    const apart = tablesOf(plan, [
      { stream: 'impressions', lines: [first] },
      { stream: 'impressions', lines: [second] },
    ])
    assert.notDeepEqual(apart, together)
  })

  it('2: an event read again changes its duplicate counter and nothing else', () => {
    checkProperty(
      fc.property(logs, fc.array(fc.tuple(fc.nat(), fc.nat(20)), { maxLength: 12 }), (log, copies) => {
        const events = arriving(log, log.delays)
        const again = withCopies(log, events, copies)
        const before = tablesOf(log.plan, partitioned(events, byNumber(log.places)))
        const after = tablesOf(log.plan, partitioned(again, byNumber(log.places)))
        assert.deepEqual(withoutLedger(after), withoutLedger(before))
        const isOther = (name: string): boolean => name !== 'duplicate'
        assert.deepEqual(ledgerRows(after, isOther), ledgerRows(before, isOther))
        const added = ledgerRows(after, (name) => !isOther(name)).reduce((sum, row) => sum + Number(row[3]), 0)
        assert.equal(added, again.length - events.length)
      }),
      120,
      FILE,
    )
  })

  it('2, control: the same id again, further away than A + L, is another event', () => {
    const plan = adPlan({ attributionWindow: '1s', allowedLateness: '0s' })
    const again = (ms: number): TextTables => {
      const lines = [impressionLine('i1', TEN_MS), impressionLine('i1', TEN_MS + ms)].map((line) => Buffer.from(line))
      return tablesOf(plan, [{ stream: 'impressions', lines }])
    }
    assert.equal(ledgerRows(again(1_000), (name) => name === 'duplicate').length, 1)
    assert.equal(ledgerRows(again(1_001), (name) => name === 'duplicate').length, 0)
  })

  it('3: any arrival within outOfOrderness gives the same tables', () => {
    checkProperty(
      fc.property(logs, (log) => {
        const expected = tablesOf(log.plan, partitioned(log.events, byNumber(log.places)))
        for (const delays of [log.delays, log.otherDelays])
          assert.deepEqual(tablesOf(log.plan, partitioned(arriving(log, delays), byNumber(log.places))), expected)
      }),
      120,
      FILE,
    )
  })

  it('3, control: arrivals much later than that give others', () => {
    const found = fc.check(
      fc.property(logs, (log) => {
        const expected = tablesOf(log.plan, partitioned(log.events, inOne))
        assert.deepEqual(tablesOf(log.plan, partitioned(arriving(log, log.delays, 100), inOne)), expected)
      }),
      { numRuns: 50, seed: 7, endOnFailure: true },
    )
    assert.ok(found.failed)
  })

  it('4: any order of reading the streams gives the same tables', () => {
    checkProperty(
      fc.property(logs, fc.array(fc.nat(2 * MAX_PARTITIONS - 1), { maxLength: 40 }), (log, order) => {
        const partitions = partitioned(arriving(log, log.delays), byNumber(log.places))
        const whole = (read: number): Step => ({ read, lines: 1_000 })
        const all = partitions.map((_, read) => read)
        const orders: Step[][] = [
          all.map(whole),
          all.toReversed().map(whole),
          order.flatMap((read): Step[] => [{ read, lines: 4 }, 'advance']),
        ]
        const expected = tablesOf(log.plan, partitions)
        for (const steps of orders) assert.deepEqual(stepPartitions(log.plan, partitions, steps).tables, expected)
      }),
      120,
      FILE,
    )
  })

  it('4, control: copies of one id that differ, in two partitions, show who was read first', () => {
    const plan = adPlan()
    const partitions = ['c1', 'c2'].map((campaign): DrivenPartition => {
      return { stream: 'impressions', lines: [Buffer.from(impressionLine('i1', TEN_MS, { campaign_id: campaign }))] }
    })
    const readFirst = (read: number): TextTables => stepPartitions(plan, partitions, [{ read, lines: 1 }]).tables
    assert.notDeepEqual(readFirst(0), readFirst(1))
  })
})

/** Reads some events again, a few places later, as long as they are not late there. */
function withCopies(log: Log, events: readonly Event[], copies: readonly (readonly [number, number])[]): Event[] {
  const { outOfOrdernessMs, allowedLatenessMs } = log.plan.parameters
  const again = [...events]
  if (events.length === 0) return again
  for (const [from, later] of copies) {
    const index = from % again.length
    const event = again[index] as Event
    const place = Math.min(again.length, index + 1 + later)
    const highestMs = Math.max(...again.slice(0, place).map(({ timeMs }) => timeMs))
    if (highestMs - outOfOrdernessMs - allowedLatenessMs <= event.timeMs) again.splice(place, 0, event)
  }
  return again
}
