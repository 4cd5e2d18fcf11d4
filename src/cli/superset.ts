/**
 * `tidemark superset bundle|import`: the plan as a dashboard for Apache Superset, as a file or in a running one.
 */
import { Command } from 'commander'
import { planHash } from '../pipeline/plan-hash.ts'
import { WholeFile } from '../sinks/csv/whole-file.ts'
import { packBundle } from '../superset/bundle.ts'
import type { CommonOptions } from './common-options.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions } from './plan-options.ts'
import { connectionOf } from './superset-connection.ts'
import { importCommand } from './superset-import.ts'
import { createTalk } from './talk.ts'

interface BundleOptions extends PlanOptions, CommonOptions {
  readonly out: string
  readonly databaseUrl?: string
}

/** The command with its subcommands, ready to be added to the program. */
export function supersetCommand(): Command {
  return new Command('superset')
    .description('The plan as a dashboard for Apache Superset.')
    .addCommand(bundleCommand())
    .addCommand(importCommand())
}

function bundleCommand(): Command {
  const command = new Command('bundle')
    .description('Writes the dashboard as a ZIP file that Superset imports.')
    .requiredOption('--out <file>', 'the file to write')
    .option('--database-url <url>', 'where Superset finds the tables; the password is asked for when it imports')
    .action(writeBundle)
  return addPlanOptions(command)
}

async function writeBundle(options: BundleOptions): Promise<void> {
  const plan = await loadPlan(options)
  const bundle = packBundle(plan, connectionOf(options.databaseUrl))
  const file = new WholeFile(options.out)
  try {
    file.appendBytes(bundle)
    file.finish()
    file.publish()
  } finally {
    file.discard()
  }
  const talk = createTalk(options)
  const written = { out: options.out, bytes: bundle.length, hash: planHash(plan) }
  if (options.json === true) process.stdout.write(`${JSON.stringify(written)}\n`)
  else talk.say(`${options.out} holds the dashboard of pipeline ${plan.name} (${bundle.length} bytes)`)
  talk.next(['./tidemark superset import', ...planArguments(options)].join(' '))
}
