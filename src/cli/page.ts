/**
 * `tidemark page`: the page over tables that are filled elsewhere.
 */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { checkDatabaseUrl } from '../database/database-url.ts'
import { serveDatabasePage } from '../service/database-page.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { serviceSignal } from './interrupt.ts'
import { port } from './option-values.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { createTalk, tellFirstAdmin } from './talk.ts'

interface PageOptions extends PlanOptions, CommonOptions {
  readonly databaseUrl: string
  readonly dataDir: string
  readonly host: string
  readonly port?: number
}

/** The command, ready to be added to the program. */
export function pageCommand(): Command {
  const command = new Command('page')
    .description('Serves the page over tables in PostgreSQL that another instance or a Flink job fills. It only reads.')
    .requiredOption('--database-url <url>', 'the PostgreSQL database with the tables')
    .option('--data-dir <dir>', 'where it is kept who may log in', DEFAULT_DATA_DIR)
    .option('--host <address>', 'address to serve the page on', '127.0.0.1')
    .option('--port <port>', 'port of the page; 0 picks a free one (4400, or the next free one)', port)
    .action(runPage)
  return addPlanOptions(command)
}

async function runPage(options: PageOptions): Promise<void> {
  checkDatabaseUrl(options.databaseUrl)
  const plan = await loadPlan(options)
  const talk = createTalk(options)
  await serveDatabasePage({
    plan,
    url: options.databaseUrl,
    dataDir: resolve(options.dataDir),
    host: options.host,
    port: options.port,
    signal: serviceSignal(),
    onReady: (url) => {
      if (options.json === true) process.stdout.write(`${JSON.stringify({ url })}\n`)
      else talk.say(`page      ${url}   read from PostgreSQL, until Ctrl-C`)
    },
    onFirstAdmin: tellFirstAdmin,
    onTrouble: (message) => talk.say(message),
  })
}
