/**
 * Small hostile logs: a few ids, times gathered around every boundary of SEMANTICS, copies, several spellings of one
 * value, malformed records, several partitions. For properties that hold two counts of one log against each other.
 */
import fc from 'fast-check'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan, PlanParameters, StreamName } from '../../src/pipeline/plan.ts'

/** One partition: its lines without line feeds. */
export interface RandomPartition {
  readonly stream: StreamName
  readonly name: string
  readonly lines: readonly Uint8Array[]
}

export interface RandomLog {
  /** The ad pipeline with parameters of the log's own. */
  readonly plan: Plan
  readonly partitions: readonly RandomPartition[]
}

/** What logs may hold. */
export interface RandomLogOptions {
  /** Whether copies of one id may be in several partitions. SEMANTICS promises nothing of them but to the recount. */
  readonly scatterCopies?: boolean
  readonly maxEvents?: number
}

const BASE_MS = Date.parse('2026-01-01T10:00:00Z')
const MAX_PARTITIONS = 3

/** Random logs, each with its plan. Shrinks to few events and plain values. */
export function randomLog({ scatterCopies = false, maxEvents = 60 }: RandomLogOptions = {}): fc.Arbitrary<RandomLog> {
  return shapes.chain((shape) =>
    fc
      .record({
        lines: fc.array(fc.oneof(impressionLine(shape), clickLine(shape)), { maxLength: maxEvents, size: 'max' }),
        partitionCount: fc.integer({ min: 1, max: MAX_PARTITIONS }),
        isSorted: fc.boolean(),
      })
      .map(({ lines, partitionCount, isSorted }) => {
        const inOrder = isSorted ? lines.toSorted((a, b) => a.timeMs - b.timeMs) : lines
        return { plan: shape.plan, partitions: partitionsOf(inOrder, partitionCount, scatterCopies) }
      }),
  )
}

const plans: fc.Arbitrary<Plan> = fc
  .record({
    windowSize: fc.constantFrom('1m', '1s', '10s'),
    attributionWindow: fc.constantFrom('30s', '1ms', '1s', '30m'),
    clockSkewTolerance: fc.constantFrom('1ms', '0s', '1s'),
    outOfOrderness: fc.constantFrom('5s', '0s', '1h'),
    allowedLateness: fc.constantFrom('5s', '0s', '1ms', '5m'),
  })
  .filter(({ attributionWindow, clockSkewTolerance }) => attributionWindow !== '1ms' || clockSkewTolerance !== '1s')
  .map((parameters) => freezePlan({ ...adPipeline, parameters: { ...adPipeline.parameters, ...parameters } }))

/** The last character decides the partition, so every spelling of one id ends alike. */
const impressionIds = ['i1', 'i2', 'I1', '17', '9007199254740993', '0f8fad5b-d9cb-469f-a165-708677289500'] as const
const clickIds = ['k1', 'k2', 'K1', 'i1', '0f8fad5bd9cb469fa165708677289500', '18014398509481985', '17'] as const
const names = ['c1', '', '"', '=1+1', '你好', '😀', 'unknown', 'a,b\n', 'x'.repeat(512)] as const

/** The plan of a log, and the few ids in it. */
interface LogShape {
  readonly plan: Plan
  readonly impressionIds: readonly string[]
  readonly clickIds: readonly string[]
}

const shapes: fc.Arbitrary<LogShape> = fc.record({
  plan: plans,
  impressionIds: fc.subarray([...impressionIds], { minLength: 1, maxLength: 3 }),
  clickIds: fc.subarray([...clickIds], { minLength: 2 }),
})

/** A line before it has a partition. */
interface Line {
  readonly stream: StreamName
  /** Decides the partition, unless copies are scattered. */
  readonly id: string
  readonly timeMs: number
  readonly place: number
  readonly bytes: Uint8Array
}

function partitionsOf(lines: readonly Line[], count: number, scatterCopies: boolean): readonly RandomPartition[] {
  return (['impressions', 'clicks'] as const).flatMap((stream) =>
    Array.from({ length: count }, (_, partition): RandomPartition => {
      const isHere = (line: Line): boolean => {
        const place = scatterCopies ? line.place : (line.id.codePointAt(line.id.length - 1) ?? 0)
        return line.stream === stream && place % count === partition
      }
      return { stream, name: `${stream}-${partition}`, lines: lines.filter(isHere).map((line) => line.bytes) }
    }),
  )
}

/** Event times at sums of up to two of the lengths that matter, give or take a millisecond. */
function times({ parameters }: Plan): fc.Arbitrary<number> {
  const length = fc.constantFrom(...lengths(parameters))
  const sign = fc.constantFrom(1, -1)
  return fc
    .tuple(fc.array(fc.tuple(length, sign), { maxLength: 2 }), fc.integer({ min: -1, max: 1 }))
    .map(
      ([steps, jitterMs]) =>
        steps.reduce((timeMs, [stepMs, direction]) => timeMs + stepMs * direction, BASE_MS) + jitterMs,
    )
}

function lengths(parameters: PlanParameters): readonly number[] {
  const {
    attributionWindowMs: A,
    clockSkewToleranceMs: e,
    allowedLatenessMs: L,
    outOfOrdernessMs,
    windowSizeMs,
  } = parameters
  return [e, A, L, A + L, A + 2 * L, e + L, outOfOrdernessMs, outOfOrdernessMs + L, windowSizeMs]
}

const text = (value: string): string => JSON.stringify(value)
const escaped = (value: string): string => `"\\u${value.charCodeAt(0).toString(16).padStart(4, '0')}${value.slice(1)}"`

/** An id's JSON source in one of its spellings. */
function idSource(id: string): fc.Arbitrary<string> {
  return fc.constantFrom(text(id), escaped(id), /^\d+$/.test(id) ? id : text(id))
}

function timeSource(timeMs: number): fc.Arbitrary<string> {
  const iso = new Date(timeMs).toISOString()
  return fc.constantFrom(`${timeMs}`, `${timeMs}`, `"${timeMs}"`, `"${iso}"`, `${timeMs}.0`, `${timeMs / 1_000}e3`)
}

const optionalName: fc.Arbitrary<string | undefined> = fc.oneof(
  fc.constantFrom(...names).map(text),
  fc.constantFrom(undefined, 'null', '17', '"\\u0063\\u0031"'),
)

const costs = ['0.1', '0', 'null', '0.0000005', '1e-7', '0.123456', '1000000', '-0.0000004', '2.5e-1'] as const

/** Values that make a record malformed in any field. */
const wrongSources = ['true', '{}', '["i1"]', '"\\ud800"', '"a\\u0000"', `"${'y'.repeat(513)}"`] as const
/** Values that are texts and ids as any number is, and neither times nor costs. */
const wrongNumbers = ['-1', '1e400'] as const
/** Members that make no record malformed. */
const extraMembers = [
  '"extra": [1, {"a": "}"}]',
  '"country": "\\ud800"',
  '"campaign_id": "c1"',
  '"": null',
  '"cost": 1',
] as const

/** Records that are none. */
const noRecords = [
  '',
  ' \t',
  'hello',
  '[]',
  '{}',
  'null',
  '{"impression_id": "i1"',
  '{"a":1}{"a":1}',
  '\u00a0',
] as const

function impressionLine({ plan, impressionIds: ids }: LogShape): fc.Arbitrary<Line> {
  return eventLine(plan, 'impressions', ids, (id, time) =>
    fc.record({
      impression_id: idSource(id),
      campaign_id: optionalName,
      device_type: optionalName,
      browser: optionalName,
      event_timestamp: fc.constant(time),
      cost: fc.option(fc.constantFrom(...costs), { nil: undefined }),
    }),
  )
}

function clickLine({ plan, impressionIds: named, clickIds: ids }: LogShape): fc.Arbitrary<Line> {
  return eventLine(plan, 'clicks', ids, (id, time) =>
    fc.record({
      click_id: idSource(id),
      impression_id: fc.constantFrom(...named, 'nobody').chain(idSource),
      event_timestamp: fc.constant(time),
    }),
  )
}

type Members = Readonly<Record<string, string | undefined>>

function eventLine(
  plan: Plan,
  stream: StreamName,
  ids: readonly string[],
  membersOf: (id: string, time: string) => fc.Arbitrary<Members>,
): fc.Arbitrary<Line> {
  return fc
    .record({ id: fc.constantFrom(...ids), timeMs: times(plan), place: fc.nat(MAX_PARTITIONS * 2 - 1) })
    .chain(({ id, timeMs, place }) =>
      timeSource(timeMs)
        .chain((time) => membersOf(id, time))
        .chain(spelled)
        .map((line) => ({ stream, id, timeMs, place, bytes: Buffer.from(line) })),
    )
}

/** A record of these members, its own id first, mostly as it should be. */
function spelled(members: Members): fc.Arbitrary<string> {
  const keys = Object.keys(members)
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(recordText(members)) },
    {
      weight: 3,
      arbitrary: fc.shuffledSubarray(keys, { minLength: keys.length }).map((order) => recordText(members, order)),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...extraMembers).map((extra) => recordText(members).replace('{', `{${extra}, `)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...extraMembers).map((extra) => recordText(members).replace(/}$/, `, ${extra}}`)),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(' ', '\r', '\t\r').map((space) => `${space}${recordText(members)}${space}`),
    },
    { weight: 1, arbitrary: fc.constant(recordText(members).replaceAll(', ', ',').replaceAll(': ', ':')) },
    { weight: 1, arbitrary: withWrongValue(members) },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => recordText({ ...members, [key]: undefined })) },
    { weight: 1, arbitrary: fc.constantFrom(...noRecords) },
  )
}

/** A number is an id too, so it never replaces the first member, the event's own id: copies would be scattered. */
function withWrongValue(members: Members): fc.Arbitrary<string> {
  const [ownId, ...others] = Object.keys(members)
  const wrong = fc.oneof(
    fc.tuple(fc.constantFrom(...others), fc.constantFrom(...wrongSources, ...wrongNumbers)),
    fc.tuple(fc.constant(ownId ?? ''), fc.constantFrom(...wrongSources)),
  )
  return wrong.map(([key, source]) => recordText({ ...members, [key]: source }))
}

function recordText(members: Members, order: readonly string[] = Object.keys(members)): string {
  const present = order.filter((key) => members[key] !== undefined)
  return `{${present.map((key) => `${JSON.stringify(key)}: ${members[key]}`).join(', ')}}`
}
