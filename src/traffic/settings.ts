/**
 * What the simulated traffic looks like. The defaults are the shape of the original demo: clean, 10 campaigns,
 * 50 impressions a second. Every hostile knob is off unless asked for.
 *
 * S1  Settings are checked whole: one error names every problem.
 * S2  `duplicates`, `orphans`, `repeats`, `late` and `malformed` are shares of all lines of both streams.
 */
import { TidemarkError } from '../errors.ts'
import { DAY_MS, HOUR_MS } from '../time/units.ts'
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../time/window.ts'

/** All settings. Shares and ratios are numbers from 0 to 1: 2 % is 0.02. */
export interface TrafficSettings {
  /** The same seed and settings give the same bytes. A whole number from 0 to 2^53 - 1. */
  readonly seed: number
  /** Event time of the first impressions, ms since the epoch. */
  readonly startMs: number
  /** Impressions per second of event time. */
  readonly rate: number
  /** Partitions of each stream; an event's own id decides which one it goes to. */
  readonly partitions: number
  readonly campaigns: number
  readonly ads: number
  /** 1 to 4 of mobile, desktop, tablet and tv. */
  readonly devices: number
  readonly users: number
  /** Share of the impressions that belongs to the first tenth of the campaigns; 0 spreads them evenly. */
  readonly skew: number
  /** Clicks per impression, before the campaign's boost. */
  readonly clickRatio: number
  /** Each campaign multiplies `clickRatio` by a constant from this range. */
  readonly clickBoostMin: number
  readonly clickBoostMax: number
  /** Whether now and then one campaign goes wrong for some minutes: clicks times 2 to 3, or times 0.1 to 0.3. */
  readonly incidents: boolean
  /** Events arrive up to this long after their event time, ms. */
  readonly disorderMs: number
  /** Events that repeat an accepted id: the same line again, or the id with another campaign and time. */
  readonly duplicates: number
  /** Clicks on impressions that never come. */
  readonly orphans: number
  /** Second clicks of an impression; some are stamped earlier than the first and arrive after it. */
  readonly repeats: number
  /** Events stamped further behind their partition's watermark than the allowed lateness. */
  readonly late: number
  /** Lines that are no events. */
  readonly malformed: number
  /** Share of the malformed lines that are 2 MB long. */
  readonly oversizedLines: number
  /** Share of the clicks that fall on the edges of the attribution window: just inside, just outside, far outside. */
  readonly edgeClicks: number
  /** Share of the impressions that carry a hostile name, no name, an odd number or a time written as text. */
  readonly hostileNames: number
  /** Whether every line has its own order of keys. */
  readonly shuffleKeys: boolean
  /** Share of the lines whose texts, ids or keys hold JSON escapes they do not need. */
  readonly escapes: number
  /** White space as JSON.stringify (`compact`) or Python's json.dumps (`python`) leaves it. */
  readonly producer: 'compact' | 'python'
}

/** The shape of the original demo. */
export const DEFAULT_TRAFFIC: TrafficSettings = {
  seed: 1,
  startMs: 1_767_225_600_000,
  rate: 50,
  partitions: 1,
  campaigns: 10,
  ads: 100,
  devices: 3,
  users: 10_000,
  skew: 0,
  clickRatio: 0.1,
  clickBoostMin: 0.8,
  clickBoostMax: 1.5,
  incidents: true,
  disorderMs: 2_000,
  duplicates: 0,
  orphans: 0,
  repeats: 0,
  late: 0,
  malformed: 0,
  oversizedLines: 0,
  edgeClicks: 0,
  hostileNames: 0,
  shuffleKeys: false,
  escapes: 0,
  producer: 'compact',
}

/** Event time that the standard log of the benchmarks spans. */
const STANDARD_LOG_MS = HOUR_MS

/** Share of impressions in the standard log. */
const STANDARD_IMPRESSIONS = 0.95

export type TrafficPreset = 'original' | 'standard' | 'demo' | 'hostile'

/** Named sets of settings, laid over the defaults. */
export const TRAFFIC_PRESETS: Readonly<Record<TrafficPreset, Partial<TrafficSettings>>> = {
  /** The original demo. */
  original: {},
  /** The log of the benchmarks: 95 % impressions, 1,000 campaigns, 4 devices. Its rate follows from its length. */
  standard: {
    campaigns: 1_000,
    devices: 4,
    clickRatio: (1 - STANDARD_IMPRESSIONS) / STANDARD_IMPRESSIONS,
    clickBoostMin: 1,
    clickBoostMax: 1,
    incidents: false,
  },
  /** The original demo with a little of everything that goes wrong in practice. */
  demo: {
    duplicates: 0.01,
    orphans: 0.005,
    repeats: 0.01,
    late: 0.001,
    malformed: 0.0005,
    edgeClicks: 0.01,
    hostileNames: 0.0003,
    escapes: 0.002,
  },
  /** Everything at once, for tests. */
  hostile: {
    duplicates: 0.05,
    orphans: 0.03,
    repeats: 0.03,
    late: 0.02,
    malformed: 0.02,
    edgeClicks: 0.2,
    hostileNames: 0.05,
    shuffleKeys: true,
    escapes: 0.1,
  },
}

/** Impressions per second with which a standard log of `events` lines spans {@link STANDARD_LOG_MS}. */
export function standardRate(events: number): number {
  return (events * STANDARD_IMPRESSIONS * 1_000) / STANDARD_LOG_MS
}

type Numeric = { [K in keyof TrafficSettings]: TrafficSettings[K] extends number ? K : never }[keyof TrafficSettings]

interface Range {
  readonly min: number
  readonly max: number
  readonly whole: boolean
}

const share = (max: number): Range => ({ min: 0, max, whole: false })
const whole = (min: number, max: number): Range => ({ min, max, whole: true })
const real = (min: number, max: number): Range => ({ min, max, whole: false })

const RANGES: Readonly<Record<Numeric, Range>> = {
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  startMs: whole(MIN_EVENT_TIME_MS + 366 * DAY_MS, END_EVENT_TIME_MS - 366 * DAY_MS),
  rate: real(0.01, 1_000_000),
  partitions: whole(1, 256),
  campaigns: whole(1, 100_000),
  ads: whole(1, 1_000_000),
  devices: whole(1, 4),
  users: whole(1, 1_000_000),
  skew: share(1),
  clickRatio: share(1),
  clickBoostMin: real(0, 100),
  clickBoostMax: real(0, 100),
  disorderMs: whole(0, HOUR_MS),
  duplicates: share(0.5),
  orphans: share(0.5),
  repeats: share(0.5),
  late: share(0.5),
  malformed: share(0.5),
  oversizedLines: share(1),
  edgeClicks: share(1),
  hostileNames: share(1),
  escapes: share(1),
}

/** The largest sum of the five shares of S2: the rest is ordinary traffic. */
const MAX_EXTRA_SHARE = 0.8

/**
 * Lays `changes` over the defaults and checks the result.
 *
 * @throws TidemarkError `USAGE` naming every setting that is out of range, with the values allowed
 */
export function trafficSettings(changes: Partial<TrafficSettings> = {}): TrafficSettings {
  const settings = { ...DEFAULT_TRAFFIC, ...changes }
  const problems = [...rangeProblems(settings), ...relationProblems(settings)]
  if (problems.length === 0) return settings
  const fix = 'Give each setting a value it allows; the defaults stand for what is left out.'
  throw new TidemarkError('USAGE', `Traffic settings: ${problems.join('; ')}`, { fix })
}

function rangeProblems(settings: TrafficSettings): string[] {
  const problems: string[] = []
  for (const [name, range] of Object.entries(RANGES) as [Numeric, Range][]) {
    const value = settings[name]
    const fits = value >= range.min && value <= range.max && (!range.whole || Number.isSafeInteger(value))
    const kind = range.whole ? 'a whole number' : 'a number'
    if (!fits) problems.push(`${name} is ${value} (allowed: ${kind} from ${range.min} to ${range.max})`)
  }
  return problems
}

function relationProblems(settings: TrafficSettings): string[] {
  const problems: string[] = []
  if (settings.clickBoostMin > settings.clickBoostMax)
    problems.push(`clickBoostMin ${settings.clickBoostMin} is above clickBoostMax ${settings.clickBoostMax}`)
  const extra = settings.duplicates + settings.orphans + settings.repeats + settings.late + settings.malformed
  if (extra > MAX_EXTRA_SHARE)
    problems.push(
      `duplicates, orphans, repeats, late and malformed together are ${extra} (allowed: up to ${MAX_EXTRA_SHARE})`,
    )
  if (settings.repeats > 0 && settings.clickRatio * settings.clickBoostMax === 0)
    problems.push(`repeats is ${settings.repeats}, yet clickRatio 0 leaves no click to repeat (allowed: repeats 0)`)
  if (settings.producer !== 'compact' && settings.producer !== 'python')
    problems.push(`producer is "${String(settings.producer)}" (allowed: compact, python)`)
  return problems
}
