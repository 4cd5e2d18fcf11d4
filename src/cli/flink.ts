/**
 * `tidemark flink`: the same plan on Apache Flink, first of all as text.
 */
import { Command } from 'commander'
import { flinkScript } from '../flink/flink-sql.ts'
import { DEFAULT_FLINK_SETTINGS } from '../flink/settings.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { brokers } from './option-values.ts'
import type { CommonOptions } from './common-options.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions, withDefinition } from './plan-options.ts'
import { jobCommands } from './flink-job.ts'
import { createTalk } from './talk.ts'

/** What stands in printed SQL instead of a password. */
const HIDDEN = '***'

type SqlOptions = PlanOptions & CommonOptions & { readonly brokers: string; readonly bounded?: boolean }

/** The command with its subcommands, ready to be added to the program. */
export function flinkCommand(): Command {
  const command = new Command('flink').description('The same plan on Apache Flink: its SQL, and its job.')
  for (const sub of [sqlCommand(), ...jobCommands()]) command.addCommand(sub)
  return command
}

function sqlCommand(): Command {
  const command = new Command('sql')
    .description('Prints the Flink SQL (2.2) that computes the tables of a plan from Kafka into PostgreSQL.')
    .argument('[definition]', 'a definition in JSON, TypeScript or JavaScript (default: the ad pipeline)')
    .option('--brokers <list>', 'Kafka brokers, host:port with commas between', brokers, DEFAULT_FLINK_SETTINGS.brokers)
    .option('--bounded', 'for topics that end: stop where they end now, with every window final')
    .action(printSql)
  return addPlanOptions(command)
}

async function printSql(definition: string | undefined, options: SqlOptions): Promise<void> {
  const asked = withDefinition(definition, options)
  const plan = await loadPlan(asked)
  const settings = {
    ...DEFAULT_FLINK_SETTINGS,
    brokers: options.brokers,
    password: HIDDEN,
    bounded: options.bounded ?? false,
  }
  const sql = flinkScript(plan, settings)
  process.stdout.write(options.json === true ? `${JSON.stringify({ hash: planHash(plan), sql })}\n` : sql)
  createTalk(options).next(['./tidemark flink submit', ...planArguments(asked)].join(' '))
}
