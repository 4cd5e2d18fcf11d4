/**
 * Whether what came is what this page knows: a server of another version may answer in another form.
 */
import type { LedgerAnswer } from '../../../src/query/ledger-view.ts'
import type { PlanAnswer } from '../../../src/query/plan-answer.ts'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import type { InterruptionAnswer } from '../../../src/server/query/interruption-answer.ts'
import { Refused } from './refused.ts'

/** The answer to a view query. */
export function isViewAnswer(value: unknown): value is ViewAnswer {
  const { asOf, range, buckets, series, ranks } = partsOf(value)
  return [asOf, range].every(isObject) && [buckets, series, ranks].every(Array.isArray)
}

/** What can be asked. */
export function isPlanAnswer(value: unknown): value is PlanAnswer {
  const { plan, measures, answerable } = partsOf(value)
  return isObject(plan) && [measures, answerable].every(Array.isArray)
}

/** The ledger over time. */
export function isLedgerAnswer(value: unknown): value is LedgerAnswer {
  const { buckets, streams } = partsOf(value)
  return [buckets, streams].every(Array.isArray)
}

/** What interrupted results. */
export function isInterruptionAnswer(value: unknown): value is InterruptionAnswer {
  return Array.isArray(partsOf(value)['interruptions'])
}

/** What to say of anything else. */
export function otherForm(): Refused {
  return new Refused(502, 'The server answers in a form that this page does not know.', 'Load the page anew.')
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? { ...value } : {}
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
