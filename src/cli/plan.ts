/**
 * `tidemark plan [FILE]`: prints the frozen plan of a definition.
 */
import { Command } from 'commander'
import { explainPlan } from '../pipeline/explain.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions, withDefinition } from './plan-options.ts'
import type { CommonOptions } from './common-options.ts'
import { createTalk } from './talk.ts'

/** The command, ready to be added to the program. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('Prints the plan of a definition: streams, parameters, dimensions, measures, tables and its hash.')
    .argument('[file]', 'a definition in JSON, TypeScript or JavaScript (default: the ad pipeline)')
    .action(printPlan)
  return addPlanOptions(command)
}

async function printPlan(file: string | undefined, options: PlanOptions & CommonOptions): Promise<void> {
  const asked = withDefinition(file, options)
  const plan = await loadPlan(asked)
  const document = { hash: planHash(plan), plan }
  process.stdout.write(options.json === true ? `${JSON.stringify(document)}\n` : explainPlan(plan))
  const generate = ['./tidemark generate --seed 7 --events 100000', ...planArguments(asked), '--out log']
  createTalk(options).next(generate.join(' '))
}
