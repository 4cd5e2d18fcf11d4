/**
 * `tidemark superset import`: installs the dashboard in a running Superset, by default that of the stack.
 *
 * I1  Data are read through the read-only role where the stack has one.
 * I2  The password of an administrator is not taken from the command line, where other users of the machine see it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import { readerUrl } from '../database/open-database.ts'
import { TidemarkError } from '../errors.ts'
import { DEFAULT_PORTS, portsFrom, stackHome, stackUrls } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import type { StackState } from '../stack/state-file.ts'
import { supersetPasswordFile } from '../stack/superset-part.ts'
import { installBundle } from '../superset/api/install-bundle.ts'
import type { SupersetLogin } from '../superset/api/session.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { serverUrl } from './option-values.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { connectionOf } from './superset-connection.ts'
import { createTalk } from './talk.ts'

interface ImportOptions extends PlanOptions, CommonOptions {
  readonly dataDir: string
  readonly url?: string
  readonly username: string
  readonly passwordFile?: string
  readonly databaseUrl?: string
}

/** The command, ready to be added to `superset`. */
export function importCommand(): Command {
  const command = new Command('import')
    .description('Installs the dashboard in a running Superset; done again, it overwrites itself.')
    .option('--data-dir <dir>', 'of the stack', DEFAULT_DATA_DIR)
    .option('--url <url>', 'of Superset (that of the stack)', serverUrl)
    .option('--username <name>', 'of an administrator', 'admin')
    .option('--password-file <file>', 'a file that holds nothing but the password (that of the stack)')
    .option('--database-url <url>', 'where Superset finds the tables (the stack, through its read-only role)')
    .action(importDashboard)
  return addPlanOptions(command)
}

async function importDashboard(options: ImportOptions): Promise<void> {
  const plan = await loadPlan(options)
  const state = runningState(stackHome(options.dataDir))
  const databaseUrl = databaseOf(options, state)
  const connection = connectionOf(databaseUrl)
  const password = decodeURIComponent(new URL(databaseUrl).password)
  const login = loginOf(options, state)
  const { url, counts } = await installBundle(login, plan, connection, password)
  if (options.json === true) process.stdout.write(`${JSON.stringify({ url, username: login.username, counts })}\n`)
  else process.stdout.write(`${url}\n`)
  const talk = createTalk(options)
  const { databases, datasets, charts, dashboards } = counts
  talk.say(
    `Superset holds ${databases} connections, ${datasets} datasets, ${charts} charts and ${dashboards} dashboards.`,
  )
  talk.next(`sign in as ${login.username}; the password is in ${passwordFileOf(options)}`)
}

function databaseOf(options: ImportOptions, state: StackState | undefined): string {
  if (options.databaseUrl !== undefined) return options.databaseUrl
  const url = state?.databaseUrl
  if (url !== undefined) return readerUrl(url, options.dataDir) ?? url
  throw new TidemarkError('USAGE', 'No database is given, and the stack has none.', {
    fix: 'Give --database-url URL, or start one: ./tidemark stack up',
  })
}

function loginOf(options: ImportOptions, state: StackState | undefined): SupersetLogin {
  const ports = state?.settings.ports ?? portsFrom(DEFAULT_PORTS.kafka, DEFAULT_PORTS.flink)
  const file = passwordFileOf(options)
  if (!existsSync(file))
    throw new TidemarkError('INPUT_MISSING', `There is no file with Superset's password: ${file}.`, {
      where: file,
      fix: './tidemark stack up, or give --url, --username and --password-file',
    })
  return {
    url: options.url ?? stackUrls(ports).supersetUrl,
    username: options.username,
    password: readFileSync(file, 'utf8').trim(),
  }
}

function passwordFileOf(options: ImportOptions): string {
  return options.passwordFile ?? supersetPasswordFile(stackHome(options.dataDir))
}
