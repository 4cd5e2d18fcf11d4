/**
 * One input, two engines: the embedded engine and a real Flink on a real Kafka give the same rows in every table.
 *
 * The worked cases are one log, each some hours after the one before: ids are used again, partitions are what they
 * were, and a job of Flink is planned once. A second log has them spread, with every id in a partition of its own, and
 * behind them hostile logs, each over 1 to 4 of the partitions.
 *
 * Of the SQL they show A1 and A2 of `attribution-views.ts`, V1 and V2 of `event-views.ts`, E1 and E2 of
 * `ledger-statements.ts`, T2 of `table-statements.ts`, F1 of `record-fields.ts`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { TextRow, TextTables } from '../../src/pipeline/table-text.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { STREAM_NAMES, type EventClass, type Plan } from '../../src/pipeline/plan.ts'
import type { ReplayResult } from '../../src/runtime/replay.ts'
import { DEFAULT_TRAFFIC, trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import { asFlinkLedger } from '../../src/verify/flink-ledger.ts'
import { memberSources, stringOf } from '../../src/verify/json-members.ts'
import { WORKED_CASES } from '../conformance/worked-cases.ts'
import type { WorkedCase } from '../conformance/worked-case.ts'
import { replayPartitions } from '../support/engine-driver.ts'
import { runBounded, withTopics, writeTopics, type LinePartition } from '../support/flink-driver.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { STACK_DEADLINE_MS, STACK_TEST, stackMissing, startTestStack, type TestStack } from '../support/stack.ts'
import { linesOf, makeTrafficLog } from '../support/traffic-log.ts'

const adPlan = planOf(adPipeline)
const CASE_MS = 6 * 3_600_000
const PARTITIONS = 4
const LOGS = 50
/** What does not run everywhere: the other log has these cases as well, and each job is planned for itself. */
const LONG = { ...STACK_TEST, skip: stackMissing({ isForLong: true }) }

/**
 * What Flink's JSON parser does not tell apart or does not read (docs/flink.md), and what only stands at a file's
 * start.
 */
const LEFT_OUT: readonly string[] = [
  '1e2 and "1e2" are one id',
  '0 and -0 are two',
  'fields that are not known may hold anything',
  'costs that round',
  'a byte-order mark at the start of a file is ignored',
]

/** Exact for the first three events of an id, so it comes before the others use that id. */
const FIRST = 'copies are measured from what was accepted, not from other copies'

describe('parity of the embedded engine and Flink', { ...STACK_TEST, skip: stackMissing() }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  before(async () => {
    postgres = await startTestPostgres()
    stack = await startTestStack()
  }, STACK_TEST)
  after(async () => {
    await stack.stop()
    await postgres.stop()
  })

  async function assertParity(plan: Plan, partitions: readonly LinePartition[], topics: string): Promise<TextTables> {
    const ours = await replayPartitions(plan, partitions)
    const onFlink = withTopics(plan, topics)
    await writeTopics(stack, onFlink, partitions)
    const theirs = await runBounded(stack, onFlink, await postgres.createDatabase(), STACK_DEADLINE_MS)
    assert.deepEqual([...theirs.keys()], [...ours.tables.keys()])
    for (const [table, rows] of ours.tables) {
      const isLedger = table === plan.ledger.name
      assert.deepEqual(theirs.get(table), isLedger ? asFlinkLedger(rows) : rows, table)
    }
    return theirs
  }

  it('the worked cases, one after another', LONG, async () => {
    const cases = comparableCases()
    assert.ok(cases.length >= 45, `${cases.length} cases`)
    await assertParity(adPlan, oneLog(cases), 'worked')
  })

  it(`the worked cases and ${LOGS} hostile logs, spread over 1 to ${PARTITIONS} partitions`, STACK_TEST, async () => {
    const cases = spreadableCases()
    assert.ok(cases.length >= 60, `${cases.length} cases`)
    // Cases begin at ten o'clock, and one lasts six hours.
    const first = cases.length + 2
    const partitions = merged([...spreadCases(cases), ...hostileLogs(first)])
    const { result } = await replayPartitions(adPlan, partitions)
    const [late, malformed] = [eventsOf(result.ledger, 'late'), eventsOf(result.ledger, 'malformed')]
    assert.deepEqual([late, malformed], [0, 0], 'disorder within the bound, well-formed')
    const tables = await assertParity(adPlan, partitions, 'spread')
    const logs = (tables.get('ctr_by_campaign') ?? []).map((row) => placeOf(row)).filter((at) => at >= first)
    assert.equal(new Set(logs).size, LOGS, 'control: every log has rows')
    const longer = { ...adPlan, parameters: { ...adPlan.parameters, attributionWindowMs: 1_800_001 } }
    const others = await replayPartitions(longer, partitions)
    assert.notDeepEqual(
      tables.get('ctr_by_campaign'),
      others.tables.get('ctr_by_campaign'),
      'control: a millisecond more of attribution is noticed',
    )
  })

  it('control: another parameter is noticed', LONG, async () => {
    const plan = withTopics(adPlan, 'worked')
    const longer = { ...plan, parameters: { ...plan.parameters, attributionWindowMs: 1_800_001 } }
    const ours = await replayPartitions(adPlan, oneLog(comparableCases()))
    const theirs = await runBounded(stack, longer, await postgres.createDatabase(), STACK_DEADLINE_MS)
    assert.notDeepEqual(theirs.get('ctr_by_campaign'), ours.tables.get('ctr_by_campaign'))
  })
})

function comparableCases(): readonly WorkedCase[] {
  const rank = ({ name }: WorkedCase): number => (name === FIRST ? 0 : 1)
  return WORKED_CASES.filter(isComparable).toSorted((a, b) => rank(a) - rank(b))
}

/** The same ones and those in several partitions: each id in one partition, whichever case it is in. */
function spreadableCases(): readonly WorkedCase[] {
  const rank = ({ name }: WorkedCase): number => (name === FIRST ? 0 : 1)
  return WORKED_CASES.filter(isWellFormed).toSorted((a, b) => rank(a) - rank(b))
}

/** In one partition a stream: ids come in other partitions in other cases, and copies of an id come in one. */
function isComparable(worked: WorkedCase): boolean {
  const inOne = STREAM_NAMES.every((of) => worked.partitions.filter(({ stream }) => stream === of).length <= 1)
  return inOne && isWellFormed(worked)
}

/** In order, well-formed, under the parameters of the ad pipeline, with times that can be moved. */
function isWellFormed({ name, plan, expected, partitions }: WorkedCase): boolean {
  if (LEFT_OUT.includes(name)) return false
  const isDefault = JSON.stringify(plan.parameters) === JSON.stringify(adPlan.parameters)
  const classes = (expected.get('ledger') ?? []).map(([, , eventClass]) => eventClass)
  const lines = partitions.flatMap((partition) => partition.lines)
  const canMove = lines.every((line) => /"event_timestamp":\s*17672\d{8}\b/.test(Buffer.from(line).toString('latin1')))
  return isDefault && canMove && !classes.some((eventClass) => eventClass === 'malformed' || eventClass === 'late')
}

/** Cases as one log: the n-th n times six hours later, so that none knows of another. */
function oneLog(cases: readonly WorkedCase[]): readonly LinePartition[] {
  return merged(
    cases.flatMap(({ partitions }, index) =>
      STREAM_NAMES.flatMap((of) =>
        partitions
          .filter(({ stream }) => stream === of)
          .map(({ stream, lines }, partition) => ({
            stream,
            partition,
            lines: lines.map((line) => later(line, index * CASE_MS)),
          })),
      ),
    ),
  )
}

/** The same over several partitions. Within an id nothing changes places but what was in several partitions before. */
function spreadCases(cases: readonly WorkedCase[]): readonly Piece[] {
  return cases.flatMap(({ partitions }, index) =>
    STREAM_NAMES.flatMap((stream) => {
      const ofStream = partitions.filter((one) => one.stream === stream)
      const lines = ofStream.flatMap((one) => one.lines)
      const ordered = ofStream.length > 1 ? lines.toSorted((a, b) => timeOf(a) - timeOf(b)) : lines
      return ordered.map((line) => ({
        stream,
        partition: partitionOf(adPlan.streams[stream].idField, line),
        lines: [later(line, index * CASE_MS)],
      }))
    }),
  )
}

/** @param place how many places of six hours each come before the first log */
function hostileLogs(place: number): readonly Piece[] {
  return Array.from({ length: LOGS }, (_, index) => {
    const settings = hostileSettings(index, DEFAULT_TRAFFIC.startMs + (place + index) * CASE_MS)
    const log = makeTrafficLog(adPlan, settings, index === 0 ? 6_000 : 400, { withTruth: false })
    return log.partitions.map(({ stream, partition, bytes }) => ({
      stream,
      partition: (partition + index) % PARTITIONS,
      lines: linesOf(bytes).filter(isTextKept),
    }))
  }).flat()
}

function hostileSettings(index: number, startMs: number): TrafficSettings {
  return trafficSettings({
    seed: index + 1,
    startMs,
    rate: [5, 20, 1, 50][index % 4] ?? 5,
    partitions: 1 + ((index + 3) % PARTITIONS),
    // Beside clicks at the edges, up to L behind their impression, those would be late.
    ...(index % 3 === 0 ? { disorderMs: 5_000, repeats: 0.08 } : { disorderMs: 3_000, edgeClicks: 0.2 }),
    duplicates: 0.05,
    orphans: 0.03,
    hostileNames: 0.05,
    clickRatio: 0.3,
    escapes: index % 2 === 0 ? 0.1 : 0,
    shuffleKeys: index % 5 === 0,
    producer: index % 2 === 0 ? 'python' : 'compact',
  })
}

type Piece = LinePartition & { readonly partition: number }

/** Pieces of partitions, one behind the other; every stream has all partitions that either has. */
function merged(pieces: readonly Piece[]): readonly LinePartition[] {
  return STREAM_NAMES.flatMap((of) => {
    const ofStream = pieces.filter(({ stream }) => stream === of)
    const count = 1 + Math.max(0, ...ofStream.map(({ partition }) => partition))
    return Array.from({ length: count }, (_, at) => ({
      stream: of,
      lines: ofStream.filter(({ partition }) => partition === at).flatMap(({ lines }) => lines),
    }))
  })
}

/** By the text of the id, however it is spelled; a number's is its digits as written. */
function partitionOf(idField: string, line: Uint8Array): number {
  const [source = ''] = memberSources(Buffer.from(line).toString('utf8'), new Map([[idField, 0]]))
  const id = source.startsWith('"') ? stringOf(source) : source
  return [...Buffer.from(id)].reduce((hash, byte) => (hash * 31 + byte) % 65_521, 7) % PARTITIONS
}

function timeOf(line: Uint8Array): number {
  return Number(/"event_timestamp":\s*(\d{13})\b/.exec(Buffer.from(line).toString('latin1'))?.[1])
}

function later(line: Uint8Array, byMs: number): Uint8Array {
  const text = Buffer.from(line).toString('latin1')
  const moved = text.replaceAll(/("event_timestamp":\s*)(\d{13})\b/g, (_, key: string, timeMs: string) => {
    return `${key}${Number(timeMs) + byMs}`
  })
  return Buffer.from(moved, 'latin1')
}

/** Not so names that are numbers with an exponent: Flink has their value, not their digits (docs/flink.md). */
function isTextKept(line: Uint8Array): boolean {
  return !/: *-?[0-9.]+[eE][-+]?[0-9]+ *[,}]/.test(Buffer.from(line).toString('utf8'))
}

function eventsOf(ledger: ReplayResult['ledger'], eventClass: EventClass): number {
  return STREAM_NAMES.reduce((sum, stream) => sum + ledger[stream][eventClass], 0)
}

/** In which of the places of six hours the window of a row of `ctr_by_campaign` is. */
function placeOf([, windowStart = '']: TextRow): number {
  return Math.floor((Date.parse(windowStart) - DEFAULT_TRAFFIC.startMs) / CASE_MS)
}
