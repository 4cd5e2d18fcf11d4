/**
 * The parameters: durations, each in its range and fit for the others.
 */
import { DURATION_FORM, MAX_DURATION_MS, formatDuration, parseDuration } from '../../time/duration.ts'
import { DAY_MS } from '../../time/units.ts'
import { DEFAULT_PARAMETERS, type ParametersDefinition } from '../definition.ts'
import type { Draft } from './draft.ts'
import { asObject, member } from './plain-data.ts'
import { problemAt, type Problem } from './problem.ts'

type ParameterName = keyof ParametersDefinition

/** Checks that each parameter given is a duration within its range. */
export function checkParameters(draft: Draft): Problem[] {
  const parameters = new Parameters(draft)
  parameters.checkForms()
  parameters.checkWindowSize()
  parameters.checkRange('attributionWindow', 1, MAX_DURATION_MS)
  parameters.checkClockSkew()
  return parameters.problems
}

class Parameters {
  readonly problems: Problem[] = []
  private readonly given: Readonly<Record<string, unknown>>

  constructor(draft: Draft) {
    this.given = asObject(member(draft.definition, 'parameters'))
  }

  checkForms(): void {
    for (const name of Object.keys(DEFAULT_PARAMETERS)) {
      const given = member(this.given, name)
      if (typeof given !== 'string' || parseDuration(given) !== undefined) continue
      const message = `A duration is ${DURATION_FORM}.`
      this.problems.push(problemAt(['parameters', name], 'BAD_DURATION', message, { given, allowed: [DURATION_FORM] }))
    }
  }

  checkWindowSize(): void {
    const sizeMs = this.valueMs('windowSize')
    if (sizeMs === undefined || (sizeMs >= 1_000 && DAY_MS % sizeMs === 0)) return
    const message = 'Windows must be 1s or longer and divide a day, so that every day begins with a window.'
    const allowed = ['1s', '10s', '1m', '5m', '15m', '1h', '1d', 'any other divisor of a day from 1s on']
    const details = { given: this.shown('windowSize'), allowed, meant: '' }
    this.problems.push(problemAt(['parameters', 'windowSize'], 'OUT_OF_RANGE', message, details))
  }

  checkClockSkew(): void {
    const attributionMs = this.valueMs('attributionWindow')
    if (attributionMs !== undefined) this.checkRange('clockSkewTolerance', 0, attributionMs)
  }

  checkRange(name: ParameterName, lowestMs: number, highestMs: number): void {
    const valueMs = this.valueMs(name)
    if (valueMs === undefined || (valueMs >= lowestMs && valueMs <= highestMs)) return
    const range = `${formatDuration(lowestMs)} to ${formatDuration(highestMs)}`
    const because = name === 'clockSkewTolerance' ? ', the attributionWindow' : ''
    const message = `${name} must be from ${range}${because}.`
    this.problems.push(
      problemAt(['parameters', name], 'OUT_OF_RANGE', message, { given: this.shown(name), allowed: [range] }),
    )
  }

  private shown(name: ParameterName): unknown {
    return member(this.given, name) ?? DEFAULT_PARAMETERS[name]
  }

  private valueMs(name: ParameterName): number | undefined {
    const text = this.shown(name)
    return typeof text === 'string' ? parseDuration(text) : undefined
  }
}
