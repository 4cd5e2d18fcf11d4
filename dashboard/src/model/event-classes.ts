/**
 * The classes of the ledger in words: what an event in each of them is, and what can be done about it.
 */
import {
  EVENT_CLASSES,
  type LedgerClass,
  type PlanParameters,
  type StreamName,
  UNATTRIBUTED,
} from '../../../src/pipeline/plan.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatWhole } from '../format/times.ts'

/** Classes that only clicks can have: an impression waits for nothing and belongs to nothing. */
const CLICKS_ONLY: ReadonlySet<LedgerClass> = new Set(['repeat', 'out_of_window', 'orphan', 'pending', UNATTRIBUTED])

/** Those of a Flink job, which sets nothing aside as late or of the future. */
const JOB_CLASSES: readonly LedgerClass[] = ['counted', 'duplicate', 'repeat', UNATTRIBUTED, 'malformed']

/** The classes that whoever fills the ledger tells apart, in the order of the semantics. */
export function classesOf({ ledger }: PageStatus): readonly LedgerClass[] {
  return 'unattributed' in ledger.clicks ? JOB_CLASSES : EVENT_CLASSES
}

/** How many events of a stream are in a class. */
export function eventsOf({ ledger }: PageStatus, stream: StreamName, eventClass: LedgerClass): number {
  const own = ledger[stream]
  if (eventClass !== UNATTRIBUTED) return own.classes[eventClass]
  return 'unattributed' in own ? (own.unattributed ?? 0) : 0
}

/** Whether events of a stream can be in a class. */
export function isClassOf(stream: StreamName, eventClass: LedgerClass): boolean {
  return stream === 'clicks' || !CLICKS_ONLY.has(eventClass)
}

const TITLES: Readonly<Record<LedgerClass, string>> = {
  counted: 'Counted events',
  duplicate: 'Duplicate events',
  repeat: 'Repeated clicks',
  out_of_window: 'Clicks out of the attribution window',
  orphan: 'Orphan clicks',
  pending: 'Pending clicks',
  unattributed: 'Unattributed clicks',
  late: 'Late events',
  future: 'Events of the future',
  malformed: 'Malformed records',
}

/** What its events are called together. */
export function classTitle(eventClass: LedgerClass): string {
  return TITLES[eventClass]
}

/** What a class means, in one or two sentences. `parameters` are the plan's, where they are known. */
export function classInWords(eventClass: LedgerClass, parameters: PlanParameters | undefined): string {
  const length = (name: keyof PlanParameters, fallback: string): string =>
    parameters === undefined ? fallback : formatWhole(parameters[name])
  const words: Record<LedgerClass, string> = {
    counted: 'In the numbers: every accepted impression, and the earliest click of each within the attribution window.',
    duplicate: 'Its id was accepted before. Sending an event twice changes nothing.',
    repeat: 'Another click of the same impression is the counted one.',
    out_of_window: `A click of a known impression, but more than ${length('attributionWindowMs', 'the attribution window')} after it, or more than ${length('clockSkewToleranceMs', 'the tolerance')} before.`,
    orphan: 'A click whose impression never came.',
    pending: 'A click whose impression may still come. This class empties with time.',
    unattributed: `A click whose impression never came, has not come yet, or is more than ${length('attributionWindowMs', 'the attribution window')} away: the Flink job that fills these tables counts the three as one.`,
    late: `It came more than ${length('allowedLatenessMs', 'the allowed lateness')} behind its partition.`,
    future: `It is stamped more than ${length('maxFutureSkewMs', 'the allowed skew')} ahead of the clock, and moves nothing.`,
    malformed: 'It cannot be read: see the reason and the place of each below.',
  }
  return words[eventClass]
}
