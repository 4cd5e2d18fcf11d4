/**
 * The classes of the ledger in words: what an event in each of them is, and what can be done about it.
 */
import type { EventClass, StreamName } from '../../../src/pipeline/plan.ts'
import type { PlanParameters } from '../../../src/pipeline/plan.ts'
import { formatWhole } from '../format/times.ts'

/** Classes that only clicks can have: an impression waits for nothing and belongs to nothing. */
const CLICKS_ONLY: ReadonlySet<EventClass> = new Set(['repeat', 'out_of_window', 'orphan', 'pending'])

/** Whether events of a stream can be in a class. */
export function isClassOf(stream: StreamName, eventClass: EventClass): boolean {
  return stream === 'clicks' || !CLICKS_ONLY.has(eventClass)
}

const TITLES: Readonly<Record<EventClass, string>> = {
  counted: 'Counted events',
  duplicate: 'Duplicate events',
  repeat: 'Repeated clicks',
  out_of_window: 'Clicks out of the attribution window',
  orphan: 'Orphan clicks',
  pending: 'Pending clicks',
  late: 'Late events',
  future: 'Events of the future',
  malformed: 'Malformed records',
}

/** What its events are called together. */
export function classTitle(eventClass: EventClass): string {
  return TITLES[eventClass]
}

/** What a class means, in one or two sentences. `parameters` are the plan's, where they are known. */
export function classInWords(eventClass: EventClass, parameters: PlanParameters | undefined): string {
  const length = (name: keyof PlanParameters, fallback: string): string =>
    parameters === undefined ? fallback : formatWhole(parameters[name])
  const words: Record<EventClass, string> = {
    counted: 'In the numbers: every accepted impression, and the earliest click of each within the attribution window.',
    duplicate: 'Its id was accepted before. Sending an event twice changes nothing.',
    repeat: 'Another click of the same impression is the counted one.',
    out_of_window: `A click of a known impression, but more than ${length('attributionWindowMs', 'the attribution window')} after it, or more than ${length('clockSkewToleranceMs', 'the tolerance')} before.`,
    orphan: 'A click whose impression never came.',
    pending: 'A click whose impression may still come. This class empties with time.',
    late: `It came more than ${length('allowedLatenessMs', 'the allowed lateness')} behind its partition.`,
    future: `It is stamped more than ${length('maxFutureSkewMs', 'the allowed skew')} ahead of the clock, and moves nothing.`,
    malformed: 'It cannot be read: see the reason and the place of each below.',
  }
  return words[eventClass]
}
