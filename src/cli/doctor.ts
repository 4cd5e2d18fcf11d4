/**
 * `tidemark doctor`: what is wrong here and how to fix it.
 */
import { join } from 'node:path'
import { Command } from 'commander'
import { checkDatabaseUrl } from '../database/database-url.ts'
import type { Check } from '../doctor/check.ts'
import { examine } from '../doctor/examine.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { EXIT } from './exit-codes.ts'
import { port } from './option-values.ts'
import { createTalk, wantsColour } from './talk.ts'

interface DoctorOptions extends CommonOptions {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly port: number
}

/** The command, ready to be added to the program. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Looks at what the demo and the stack need on this machine: each line is ok, warn or fail, with what mends it.',
    )
    .option('--data-dir <folder>', 'the data folder to look at', DEFAULT_DATA_DIR)
    .option('--database-url <url>', 'a PostgreSQL server to look at instead of our own')
    .option('--port <port>', 'the port of the page', port, 4400)
    .action(runDoctor)
}

async function runDoctor(options: DoctorOptions): Promise<void> {
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl)
  const checks = await examine({
    root: join(import.meta.dirname, '..', '..'),
    dataDir: options.dataDir,
    databaseUrl: options.databaseUrl,
    port: options.port,
    nowMs: Date.now(),
  })
  const sound = checks.every((check) => check.status !== 'fail')
  process.stdout.write(options.json === true ? `${JSON.stringify({ ok: sound, checks })}\n` : table(checks))
  if (!sound) process.exitCode = EXIT.failed
  createTalk(options).next(sound ? './tidemark demo' : 'the first fix above, then ./tidemark doctor')
}

const COLOURS = { ok: '32', warn: '33', fail: '31;1' } as const

function table(checks: readonly Check[]): string {
  const colour = wantsColour(process.stdout)
  const width = Math.max(...checks.map((check) => check.name.length))
  const lines = checks.flatMap(({ status, name, message, fix }) => {
    const word = status.padEnd(4)
    const line = `${colour ? `\u001b[${COLOURS[status]}m${word}\u001b[0m` : word}  ${name.padEnd(width)}  ${message}`
    return fix === undefined ? [line] : [line, `${' '.repeat(width + 8)}fix: ${fix}`]
  })
  return `${lines.join('\n')}\n`
}
