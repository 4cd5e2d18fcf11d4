/**
 * Sample events of a class of the ledger, with the reason of each: what is asked, the answer, and the reason in words.
 */
import { EVENT_CLASSES, STREAM_NAMES, type EventClass, type StreamName } from '../pipeline/plan.ts'
import { choiceAt, wholeAt } from './raw-value.ts'
import { parseSearch } from './search-text.ts'
import { viewError } from './view-error.ts'

/** Classes that samples are shown of. Counted events are behind the numbers, malformed ones are dead letters. */
export type SampledClass = Exclude<EventClass, 'counted' | 'malformed'>

export const SAMPLED_CLASSES: readonly SampledClass[] = EVENT_CLASSES.filter(
  (one): one is SampledClass => one !== 'counted' && one !== 'malformed',
)

/** Why an event is in its class: how far its time is from where it should be, or which other event decided. */
export type SampleReason =
  /** Behind the watermark when it came, ms. */
  | { readonly kind: 'late'; readonly behindMs: number; readonly allowedMs: number }
  /** Ahead of the clock when it came, ms. */
  | { readonly kind: 'future'; readonly aheadMs: number; readonly allowedMs: number }
  /** Event time of the copy that came first. */
  | { readonly kind: 'duplicate'; readonly firstMs: number }
  /** The earlier click, and the impression of both. */
  | {
      readonly kind: 'repeat'
      readonly clickId: string
      readonly clickMs: number
      readonly impressionId: string
    }
  /** Click time − impression time, ms; negative where the click is before. */
  | {
      readonly kind: 'out_of_window'
      readonly impressionId: string
      readonly impressionMs: number
      readonly lagMs: number
      readonly allowedMs: number
    }
  /** Event times between which no impression of that id was accepted. */
  | { readonly kind: 'orphan'; readonly impressionId: string; readonly fromMs: number; readonly toMs: number }
  /** The watermark at which it becomes an orphan. */
  | { readonly kind: 'pending'; readonly impressionId: string; readonly untilMs: number }

/** One event. */
export interface SampleEvent {
  readonly stream: StreamName
  readonly id: string
  readonly timeMs: number
  /** When it came; null where that is not known. */
  readonly arrivedAtMs: number | null
  readonly partition: string
  readonly reason: SampleReason
  /** The beginning of the record as it came. */
  readonly text: string
  readonly isCut: boolean
}

/** The answer of `/api/v1/samples`. */
export interface SampleAnswer {
  readonly class: SampledClass
  /** The epoch up to whose positions the journal was read, and its watermark. */
  readonly epoch: number
  readonly watermarkMs: number | null
  readonly looked: {
    /** When the oldest event that was looked at came; null where all that ever came was. */
    readonly fromMs: number | null
    readonly bytes: number
    /** What the journal holds of these streams. */
    readonly ofBytes: number
  }
  /**
   * Events of the class are told with certainty from this event time on; null where all are that were looked at. It is
   * about the journal alone: without the partitions `elsewhere`, clicks that depend on impressions are not told at all.
   */
  readonly toldFromMs: number | null
  /** Partitions of topics that were read, whole, beside the journal. */
  readonly topics: readonly string[]
  /** Partitions that were not looked at: those of topics with too many records, or that cannot be read now. */
  readonly elsewhere: readonly string[]
  /** The newest first. */
  readonly samples: readonly SampleEvent[]
}

export interface SampleQuery {
  readonly class: SampledClass
  /** Undefined for both. */
  readonly stream: StreamName | undefined
  readonly limit: number
}

const KEYS = ['class', 'stream', 'limit', 'format']
const MAX_SAMPLES = 100

/**
 * What `/api/v1/samples?class=late&stream=clicks&limit=10` asks for.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseSampleUrl(search: string): SampleQuery {
  const entries = new Map(parseSearch(search))
  const unknown = [...entries.keys()].find((name) => !KEYS.includes(name))
  if (unknown !== undefined) throw viewError('samples', 'has a key that is not known', unknown, KEYS)
  const stream = entries.get('stream')
  const limit = entries.get('limit') ?? '10'
  return {
    class: choiceAt('class', entries.get('class'), SAMPLED_CLASSES),
    stream: stream === undefined ? undefined : choiceAt('stream', stream, STREAM_NAMES),
    limit: wholeAt('limit', /^\d{1,6}$/.test(limit) ? Number(limit) : limit, 1, MAX_SAMPLES),
  }
}

/** How times and lengths of time are written. */
export interface TimeWords {
  readonly time: (timeMs: number) => string
  readonly length: (lengthMs: number) => string
}

/** The reason in one sentence. Ids in it are as they came: whoever shows it makes them safe. */
export function reasonInWords(reason: SampleReason, { time, length }: TimeWords): string {
  switch (reason.kind) {
    case 'late':
      return `came ${length(reason.behindMs)} behind the watermark; ${length(reason.allowedMs)} are allowed`
    case 'future':
      return `stamped ${length(reason.aheadMs)} ahead of the clock; ${length(reason.allowedMs)} are allowed`
    case 'duplicate':
      return `an event with its id, of ${time(reason.firstMs)}, came before it`
    case 'repeat':
      return `click ${reason.clickId} of ${time(reason.clickMs)} on the same impression ${reason.impressionId} is earlier`
    case 'out_of_window': {
      const { lagMs, allowedMs, impressionId, impressionMs } = reason
      const distance = `${length(Math.abs(lagMs))} ${lagMs < 0 ? 'before' : 'after'}`
      return `${distance} impression ${impressionId} of ${time(impressionMs)}; ${length(allowedMs)} are allowed`
    }
    case 'orphan':
      return `no impression ${reason.impressionId} was accepted from ${time(reason.fromMs)} to ${time(reason.toMs)}`
    case 'pending':
      return `impression ${reason.impressionId} may come until the watermark is past ${time(reason.untilMs)}`
  }
}
