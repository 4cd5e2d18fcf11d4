import type { Problem } from '../../../../src/pipeline/check/problem.ts'

export const NAME_FORM = 'a lower-case letter, then lower-case letters, digits or underscores, 63 characters at most'
export const TEXT_FORM = '1 to 512 bytes of UTF-8 without U+0000'
export const DIMENSIONS: readonly string[] = ['campaign_id', 'device_type', 'browser']
export const MEASURES: readonly string[] = ['impressions', 'clicks', 'ctr', 'spend']

/** A definition and why it is refused. */
export interface RefusedCase {
  readonly name: string
  readonly definition: unknown
  /** Every problem expected, in the order of the check. */
  readonly problems: readonly Problem[]
}

/** A definition that extends the ad pipeline. */
export function ads(changes: object): unknown {
  return { extends: 'ads', ...changes }
}

/** The ad pipeline with one table more. */
export function table(changes: object): unknown {
  return ads({ tables: { mine: { dimensions: [], measures: ['clicks'], ...changes } } })
}
