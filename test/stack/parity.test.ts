/**
 * One input, two engines: the embedded engine and a real Flink on a real Kafka give the same rows in every table.
 *
 * The worked cases are one log, each some hours after the one before: ids are used again, partitions are what they were, and
 * a job of Flink is planned once. Then hostile logs, over 1 to 4 partitions.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import { asFlinkLedger } from '../../src/verify/flink-ledger.ts'
import { WORKED_CASES } from '../conformance/worked-cases.ts'
import type { WorkedCase } from '../conformance/worked-case.ts'
import { replayPartitions } from '../support/engine-driver.ts'
import { runBounded, withTopics, writeTopics, type LinePartition } from '../support/flink-driver.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { stackMissing, startTestStack, type TestStack } from '../support/stack.ts'
import { makeTrafficLog } from '../support/traffic-log.ts'

const adPlan = planOf(adPipeline)
const CASE_MS = 6 * 3_600_000

/** What Flink's JSON parser does not tell apart or does not read (docs/flink.md), and what only stands at a file's start. */
const LEFT_OUT: readonly string[] = [
  '1e2 and "1e2" are one id',
  '0 and -0 are two',
  'fields that are not known may hold anything',
  'costs that round',
  'a byte-order mark at the start of a file is ignored',
]

/** Exact for the first three events of an id, so it comes before the others use that id. */
const FIRST = 'copies are measured from what was accepted, not from other copies'

describe('parity of the embedded engine and Flink', { skip: stackMissing() }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  before(async () => {
    postgres = await startTestPostgres()
    stack = await startTestStack()
  })
  after(async () => {
    await stack.stop()
    await postgres.stop()
  })

  async function assertParity(plan: Plan, partitions: readonly LinePartition[], topics: string): Promise<TextTables> {
    const ours = await replayPartitions(plan, partitions)
    const onFlink = withTopics(plan, topics)
    await writeTopics(stack, onFlink, partitions)
    const theirs = await runBounded(stack, onFlink, await postgres.createDatabase())
    assert.deepEqual([...theirs.keys()], [...ours.tables.keys()])
    for (const [table, rows] of ours.tables) {
      const isLedger = table === plan.ledger.name
      assert.deepEqual(theirs.get(table), isLedger ? asFlinkLedger(rows) : rows, table)
    }
    return theirs
  }

  it('the worked cases, one after another', async () => {
    const cases = comparableCases()
    assert.ok(cases.length >= 45, `${cases.length} cases`)
    await assertParity(adPlan, oneLog(cases), 'worked')
  })

  const HOSTILE: readonly (Partial<TrafficSettings> & { readonly events: number })[] = [
    { seed: 1, partitions: 1, events: 3_000 },
    { seed: 2, partitions: 2, events: 6_000, rate: 5 },
    { seed: 3, partitions: 4, events: 20_000, escapes: 0.1, shuffleKeys: true, producer: 'python' },
  ]
  for (const { events, ...shape } of HOSTILE) {
    it(`a hostile log of ${events} events over ${shape.partitions} partitions`, async () => {
      const settings = trafficSettings({
        disorderMs: 5_000,
        duplicates: 0.05,
        orphans: 0.03,
        repeats: 0.05,
        edgeClicks: 0.2,
        hostileNames: 0.05,
        clickRatio: 0.3,
        ...shape,
      })
      const log = makeTrafficLog(adPlan, settings, events, { withTruth: false })
      const partitions = log.partitions.map(({ stream, bytes }) => ({ stream, lines: linesOf(bytes) }))
      await assertParity(adPlan, partitions, `hostile-${settings.seed}`)
    })
  }

  it('control: another parameter is noticed', async () => {
    const plan = withTopics(adPlan, 'worked')
    const longer = { ...plan, parameters: { ...plan.parameters, attributionWindowMs: 1_800_001 } }
    const ours = await replayPartitions(adPlan, oneLog(comparableCases()))
    const theirs = await runBounded(stack, longer, await postgres.createDatabase())
    assert.notDeepEqual(theirs.get('ctr_by_campaign'), ours.tables.get('ctr_by_campaign'))
  })
})

function comparableCases(): readonly WorkedCase[] {
  const rank = ({ name }: WorkedCase): number => (name === FIRST ? 0 : 1)
  return WORKED_CASES.filter(isComparable).toSorted((a, b) => rank(a) - rank(b))
}

/** In one partition a stream, in order, well-formed, under the parameters of the ad pipeline, with times that can be moved. */
function isComparable({ name, plan, expected, partitions }: WorkedCase): boolean {
  if (LEFT_OUT.includes(name)) return false
  // Their ids come in other partitions in other cases; copies of an id come in one.
  const inOne = ['impressions', 'clicks'].every((of) => partitions.filter(({ stream }) => stream === of).length <= 1)
  const isDefault = JSON.stringify(plan.parameters) === JSON.stringify(adPlan.parameters)
  const classes = (expected.get('ledger') ?? []).map(([, , eventClass]) => eventClass)
  const lines = partitions.flatMap((partition) => partition.lines)
  const canMove = lines.every((line) => /"event_timestamp":\s*17672\d{8}\b/.test(Buffer.from(line).toString('latin1')))
  return (
    inOne && isDefault && canMove && !classes.some((eventClass) => eventClass === 'malformed' || eventClass === 'late')
  )
}

/** Cases as one log: the n-th n times six hours later, so that none knows of another. */
function oneLog(cases: readonly WorkedCase[]): readonly LinePartition[] {
  const partitions = new Map<string, { stream: LinePartition['stream']; lines: Uint8Array[] }>()
  for (const [index, worked] of cases.entries()) {
    const counts = { impressions: 0, clicks: 0 }
    for (const { stream, lines } of worked.partitions) {
      const key = `${stream}-${counts[stream]++}`
      const partition = partitions.get(key) ?? { stream, lines: [] }
      partition.lines.push(...lines.map((line) => later(line, index * CASE_MS)))
      partitions.set(key, partition)
    }
  }
  return [...partitions.values()]
}

function later(line: Uint8Array, byMs: number): Uint8Array {
  const text = Buffer.from(line).toString('latin1')
  const moved = text.replaceAll(/("event_timestamp":\s*)(\d{13})\b/g, (_, key: string, timeMs: string) => {
    return `${key}${Number(timeMs) + byMs}`
  })
  return Buffer.from(moved, 'latin1')
}

/** Without names that are numbers with an exponent: Flink has their value, not their digits (docs/flink.md). */
function linesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1)
  return lines.filter((line) => !/: *-?[0-9.]+[eE][-+]?[0-9]+ *[,}]/.test(line)).map((line) => Buffer.from(line))
}
