/**
 * `tidemark rebuild`: counts again what the journal of a data folder holds, into tables that are emptied first.
 */
import { Command } from 'commander'
import { performance } from 'node:perf_hooks'
import { rebuild } from '../service/rebuild.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { interruptSignal } from './interrupt.ts'
import { grouped } from './ledger-text.ts'
import { createLog } from './log.ts'
import { addPlanOptions, loadPlan, type PlanOptions, withDefinition } from './plan-options.ts'
import { createTalk } from './talk.ts'
import { verifyLine } from './verify-line.ts'

interface RebuildCommandOptions extends PlanOptions, CommonOptions {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly skipDamage?: boolean
}

/** The command, for `main.ts`. */
export function rebuildCommand(): Command {
  const command = new Command('rebuild')
    .description('Counts again what the journal holds, into tables that are emptied first.')
    .argument('[definition]', 'a definition in TypeScript, JavaScript or JSON (default: the ad pipeline)')
    .option('--data-dir <dir>', 'the folder of a run or demo that is stopped', DEFAULT_DATA_DIR)
    .option('--skip-damage', 'give up what cannot be read of a damaged journal, and say what that is')
    .option('--database-url <url>', 'the PostgreSQL database, unless it is our own server')
  return addPlanOptions(command).action((definition: string | undefined, given: RebuildCommandOptions) =>
    runRebuild(withDefinition(definition, given)),
  )
}

async function runRebuild(options: RebuildCommandOptions): Promise<void> {
  const talk = createTalk(options)
  const signal = interruptSignal()
  const plan = await loadPlan(options)
  const { dataDir, databaseUrl, skipDamage = false } = options
  const startMs = performance.now()
  const { events, isWhole, salvaged } = await rebuild(
    { plan, dataDir, databaseUrl, skipDamage, log: await createLog(options) },
    signal,
  )
  const elapsedMs = Math.round(performance.now() - startMs)
  if (options.json === true) process.stdout.write(`${JSON.stringify({ events, isWhole, elapsedMs, ...salvaged })}\n`)
  else process.stdout.write(`${grouped(events)} events counted again in ${(elapsedMs / 1_000).toFixed(2)} s\n`)
  for (const { partition, path, from, to } of salvaged?.lost ?? [])
    talk.say(`Lost: ${grouped(to - from)} bytes of ${partition}, ${path} from byte ${from} to ${to}.`)
  if (salvaged !== undefined) talk.say(`The damaged journal is kept in ${salvaged.damagedDir}.`)
  else if (!isWhole)
    talk.say('Retention has removed the oldest events: the tables hold only what the journal still had.')
  talk.next(verifyLine(options))
}
