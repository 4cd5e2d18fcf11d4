/**
 * Every worked case of SEMANTICS by name, and more traps from its text. One list, one driver for each engine.
 */
import { ARRIVAL_CASES } from './cases/arrival.ts'
import { ATTRIBUTION_CASES } from './cases/attribution.ts'
import { RECORD_CASES } from './cases/records.ts'
import { TEXT_CASES } from './cases/texts.ts'
import { VALUE_CASES } from './cases/values.ts'
import type { WorkedCase } from './worked-case.ts'

export const WORKED_CASES: readonly WorkedCase[] = [
  ...ATTRIBUTION_CASES,
  ...ARRIVAL_CASES,
  ...TEXT_CASES,
  ...RECORD_CASES,
  ...VALUE_CASES,
]
