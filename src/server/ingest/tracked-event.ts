/**
 * An event from the address of a pixel or a link: its parameters are the fields of the stream.
 *
 * E1  Only fields the plan knows are taken; of one given twice the last counts.
 * E2  An event time that is missing is the moment of arrival; a click's id that is missing is made up, so that a link
 *     may be the same for everyone. Whatever else is missing stays missing.
 */
import type { Plan, StreamName } from '../../pipeline/plan.ts'

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** What an address leaves open. */
export interface Moment {
  readonly nowMs: number
  /** An id nobody else has. */
  readonly newId: () => string
}

/** The event as a line of NDJSON. */
export function trackedEvent(plan: Plan, stream: StreamName, query: URLSearchParams, moment: Moment): Uint8Array {
  const { fields, eventTimeField, idField } = plan.streams[stream]
  const members = fields.flatMap(({ name, type }) => {
    const given = query.getAll(name).at(-1)
    if (given !== undefined && given !== '')
      return [`${JSON.stringify(name)}:${type === 'money' && JSON_NUMBER.test(given) ? given : JSON.stringify(given)}`]
    if (name === eventTimeField) return [`${JSON.stringify(name)}:${moment.nowMs}`]
    if (name === idField && stream === 'clicks') return [`${JSON.stringify(name)}:${JSON.stringify(moment.newId())}`]
    return []
  })
  return Buffer.from(`{${members.join(',')}}\n`)
}
