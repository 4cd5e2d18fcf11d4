/**
 * `tidemark superset bundle`: the plan as a dashboard for Apache Superset, as a file.
 */
import { Command } from 'commander'
import { checkDatabaseUrl } from '../database/database-url.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { WholeFile } from '../sinks/csv/whole-file.ts'
import { packBundle } from '../superset/bundle.ts'
import { DEFAULT_CONNECTION, type DataConnection } from '../superset/connection.ts'
import type { CommonOptions } from './common-options.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { createTalk } from './talk.ts'

interface BundleOptions extends PlanOptions, CommonOptions {
  readonly out: string
  readonly databaseUrl?: string
}

/** The command with its subcommands, ready to be added to the program. */
export function supersetCommand(): Command {
  return new Command('superset').description('The plan as a dashboard for Apache Superset.').addCommand(bundleCommand())
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
  talk.next('./tidemark superset import')
}

/** The connection that a URL names, or that of a local server. */
export function connectionOf(databaseUrl: string | undefined): DataConnection {
  if (databaseUrl === undefined) return DEFAULT_CONNECTION
  checkDatabaseUrl(databaseUrl)
  const { hostname, port, pathname, username } = new URL(databaseUrl)
  return {
    host: hostname,
    port: port === '' ? DEFAULT_CONNECTION.port : Number(port),
    database: decodeURIComponent(pathname.slice(1)),
    username: decodeURIComponent(username),
  }
}
