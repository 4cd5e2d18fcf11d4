/**
 * The options by which a command is told its plan: a definition, and parameters that override it.
 */
import type { Command } from 'commander'
import { TidemarkError } from '../errors.ts'
import type { ParametersDefinition } from '../pipeline/definition.ts'
import type { Plan } from '../pipeline/plan.ts'
import { formatDuration } from '../time/duration.ts'
import { loadPlanFile } from './load-definition.ts'
import { durationMs } from './option-values.ts'
import { shellWord } from './shell-word.ts'

/** What {@link addPlanOptions} adds; durations in milliseconds. */
export interface PlanOptions {
  readonly definition?: string
  readonly attributionWindow?: number
  readonly clockSkewTolerance?: number
  readonly outOfOrderness?: number
  readonly allowedLateness?: number
}

/** Adds `--definition` and the parameters of SEMANTICS that may be given on the command line. */
export function addPlanOptions(command: Command): Command {
  return command
    .option('--definition <file>', 'a definition in TypeScript, JavaScript or JSON (default: the ad pipeline)')
    .option('--attribution-window <duration>', 'how long after its impression a click still counts (30m)', durationMs)
    .option('--clock-skew-tolerance <duration>', 'how far before its impression a click may be (1s)', durationMs)
    .option('--out-of-orderness <duration>', 'how far the watermark trails the highest event time (5s)', durationMs)
    .option('--allowed-lateness <duration>', 'how far behind the watermark events are accepted (5m)', durationMs)
}

/**
 * The options with a definition that was given as an argument.
 *
 * @throws TidemarkError `USAGE` where `--definition` gives one as well
 */
export function withDefinition<T extends PlanOptions>(definition: string | undefined, options: T): T {
  if (definition === undefined) return options
  if (options.definition === undefined) return { ...options, definition }
  const message = `Two definitions are given: ${definition} and --definition ${options.definition}.`
  throw new TidemarkError('USAGE', message, { fix: 'Name one of them.' })
}

/**
 * The plan those options ask for.
 *
 * @throws TidemarkError `INPUT_MISSING`, `DEFINITION_UNREADABLE`, `DEFINITION_INVALID`, or `USAGE` for a parameter that
 * does not fit the definition
 */
export async function loadPlan(options: PlanOptions): Promise<Plan> {
  const parameters: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const valueMs = options[name]
    if (valueMs !== undefined) parameters[name] = formatDuration(valueMs)
  }
  return loadPlanFile(options.definition, parameters)
}

/** The same options again, as words to paste after a command that is to have the same plan. */
export function planArguments(options: PlanOptions): readonly string[] {
  const definition = options.definition === undefined ? [] : ['--definition', shellWord(options.definition)]
  const parameters = OVERRIDES.flatMap((name) => {
    const valueMs = options[name]
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return valueMs === undefined ? [] : [`--${flag}`, formatDuration(valueMs)]
  })
  return [...definition, ...parameters]
}

const OVERRIDES = [
  'attributionWindow',
  'clockSkewTolerance',
  'outOfOrderness',
  'allowedLateness',
] as const satisfies readonly (keyof ParametersDefinition & keyof PlanOptions)[]
