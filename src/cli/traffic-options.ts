/**
 * The options of `generate` that say what traffic is like: settings of the generator, by their names on the command
 * line.
 */
import { InvalidArgumentError, type Command } from 'commander'
import { formatDuration } from '../time/duration.ts'
import {
  DEFAULT_TRAFFIC,
  standardRate,
  TRAFFIC_PRESETS,
  trafficSettings,
  type TrafficPreset,
  type TrafficSettings,
} from '../traffic/settings.ts'
import { durationMs, instant, share, wholeNumber } from './option-values.ts'

/** Settings that are no option, or one under another name. */
type OtherSetting = 'startMs' | 'disorderMs' | 'clickBoostMin' | 'clickBoostMax' | 'incidents'
type NamedSetting = Exclude<keyof TrafficSettings, OtherSetting>

/** Options that are settings of the same name. */
const SAME_NAMES: readonly NamedSetting[] = [
  'seed',
  'rate',
  'partitions',
  'campaigns',
  'ads',
  'devices',
  'users',
  'skew',
  'clickRatio',
  'duplicates',
  'orphans',
  'repeats',
  'late',
  'malformed',
  'oversizedLines',
  'edgeClicks',
  'hostileNames',
  'shuffleKeys',
  'escapes',
  'producer',
]

/** What {@link addTrafficOptions} adds. */
export type TrafficOptions = Partial<Pick<TrafficSettings, NamedSetting>> & {
  readonly events?: number
  readonly preset: TrafficPreset
  readonly start?: number
  readonly disorder?: number
  readonly live?: boolean
}

/** Lines of both streams together, unless told otherwise. */
export const EVENTS = 1_000_000

/** Adds them to a command. */
export function addTrafficOptions(command: Command): Command {
  command
    .option('--live', 'as it happens, from now on, until it is interrupted or --events are written')
    .option('--seed <n>', 'the same seed and settings give the same bytes', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--events <n>', `lines of both streams together (${EVENTS}; --live: no end)`, wholeNumber(1, 1e12))
    .option('--preset <name>', `${Object.keys(TRAFFIC_PRESETS).join(', ')}: settings to start from`, preset, 'original')
  addShapeOptions(command)
  addHostileOptions(command)
  return command
}

/** The settings that the options ask for, from a preset on. */
export function settingsOf(options: TrafficOptions): TrafficSettings {
  const given = Object.fromEntries(
    SAME_NAMES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  )
  return trafficSettings({
    ...(options.preset === 'standard' ? { rate: standardRate(options.events ?? EVENTS) } : {}),
    ...TRAFFIC_PRESETS[options.preset],
    ...(options.live === true ? { startMs: Date.now() } : {}),
    ...(options.start === undefined ? {} : { startMs: options.start }),
    ...(options.disorder === undefined ? {} : { disorderMs: options.disorder }),
    ...given,
  })
}

function addShapeOptions(command: Command): void {
  const shown = DEFAULT_TRAFFIC
  command
    .option('--rate <n>', `impressions per second of event time (${shown.rate})`, positive)
    .option(
      '--partitions <n>',
      `files of each stream (${shown.partitions}), or partitions of each topic (4)`,
      wholeNumber(1, 256),
    )
    .option('--start <time>', `event time of the first events (${new Date(shown.startMs).toISOString()})`, instant)
    .option('--campaigns <n>', `campaigns (${shown.campaigns})`, wholeNumber(1, 100_000))
    .option('--ads <n>', `ads (${shown.ads})`, wholeNumber(1, 1_000_000))
    .option('--devices <n>', `device types: mobile, desktop, tablet, tv (${shown.devices})`, wholeNumber(1, 4))
    .option('--users <n>', `users (${shown.users})`, wholeNumber(1, 1_000_000))
    .option('--skew <share>', 'share of impressions on the first tenth of the campaigns (even)', share)
    .option('--click-ratio <share>', `clicks per impression, before the campaign's boost (${shown.clickRatio})`, share)
    .option('--producer <name>', 'white space as "compact" or "python" producers leave it (compact)')
}

function addHostileOptions(command: Command): void {
  command
    .option(
      '--disorder <duration>',
      `longest delay of an event (${formatDuration(DEFAULT_TRAFFIC.disorderMs)})`,
      durationMs,
    )
    .option('--duplicates <share>', 'events whose id was read before (0%)', share)
    .option('--orphans <share>', 'clicks on impressions that never come (0%)', share)
    .option('--repeats <share>', 'second clicks on an impression (0%)', share)
    .option('--late <share>', 'events behind the allowed lateness (0%)', share)
    .option('--malformed <share>', 'lines that are no events (0%)', share)
    .option('--oversized-lines <share>', 'share of the malformed lines that are 2 MB long (0%)', share)
    .option('--edge-clicks <share>', 'share of the clicks at the edges of the attribution window (0%)', share)
    .option('--hostile-names <share>', 'share of the impressions with a hostile name or none (0%)', share)
    .option('--shuffle-keys', 'give every line its own order of keys')
    .option('--escapes <share>', 'share of the lines with JSON escapes they do not need (0%)', share)
}

function preset(text: string): TrafficPreset {
  const names = Object.keys(TRAFFIC_PRESETS) as TrafficPreset[]
  const name = names.find((candidate) => candidate === text)
  if (name === undefined) throw new InvalidArgumentError(`Allowed: ${names.join(', ')}.`)
  return name
}

function positive(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : NaN
  if (!(value >= 0.01 && value <= 1_000_000)) throw new InvalidArgumentError('Allowed: a number from 0.01 to 1000000.')
  return value
}
