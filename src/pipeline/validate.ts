/**
 * From whatever a definition file holds to a plan, or to everything that is wrong with it.
 *
 * V1  Every problem is reported at once: a check reads only values of the right kind and goes on past the others.
 * V2  Nothing is thrown, whatever comes in; nothing that comes in is changed or kept.
 * V3  Without a problem there is a plan, and whoever reads it need not check anything again (P3 of `plan.ts`).
 */
import { checkNames } from './check/names.ts'
import { checkParameters } from './check/parameters.ts'
import { copyPlainData, isPlainObject } from './check/plain-data.ts'
import { DefinitionError, problemAt, type Problem } from './check/problem.ts'
import { extendDefinition } from './check/extend.ts'
import { checkShape } from './check/shape.ts'
import { checkSources } from './check/sources.ts'
import { checkDimensions, checkStreams } from './check/streams.ts'
import { checkMeasures, checkTables } from './check/tables.ts'
import type { Definition } from './definition.ts'
import { freezePlan } from './freeze.ts'
import type { Plan } from './plan.ts'

/** A plan, or what stands in its way. */
export type Checked =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: readonly Problem[] }

/** Checks a definition whole, `extends` included, and freezes it into a plan. Takes any value and never throws. */
export function checkDefinition(input: unknown): Checked {
  const copy = copyPlainData(input)
  if (!isPlainObject(copy.value)) {
    const wrong = problemAt([], 'WRONG_TYPE', 'A definition is an object.', {
      given: copy.value,
      allowed: ['an object'],
    })
    return { ok: false, problems: copy.problems.length > 0 ? copy.problems : [wrong] }
  }
  const extended = extendDefinition(copy.value)
  const problems = [
    ...extended.problems,
    ...checkShape(extended.definition),
    ...checkNames(extended),
    ...checkStreams(extended),
    ...checkParameters(extended),
    ...checkDimensions(extended),
    ...checkMeasures(extended),
    ...checkTables(extended),
    ...checkSources(extended),
  ]
  const all = [...copy.problems, ...leaveOut(problems, copy.problems)]
  if (all.length > 0) return { ok: false, problems: all }
  // The checks above are what makes this plain object a definition.
  return { ok: true, plan: freezePlan(extended.definition as unknown as Definition) }
}

// A value that was refused as a whole is absent from the copy: that it is missing need not be said as well.
function leaveOut(problems: readonly Problem[], said: readonly Problem[]): readonly Problem[] {
  const paths = new Set(said.map((problem) => problem.path))
  return problems.filter((problem) => !paths.has(problem.path))
}

/**
 * The plan of a definition.
 *
 * @param source what to call the definition in messages: its file, or a name
 * @throws DefinitionError (code `DEFINITION_INVALID`) with every problem
 */
export function planOf(input: unknown, source = 'The definition'): Plan {
  const checked = checkDefinition(input)
  if (!checked.ok) throw new DefinitionError(source, checked.problems)
  return checked.plan
}
