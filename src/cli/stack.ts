/**
 * `tidemark stack up|status|logs|down`: Kafka, Flink, PostgreSQL and Superset on this machine.
 */
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { isRunning } from '../database/process-identity.ts'
import { psqlCommand } from '../database/open-database.ts'
import { TidemarkError } from '../errors.ts'
import {
  DEFAULT_GROUPS,
  DEFAULT_PORTS,
  jarCache,
  portsFrom,
  STACK_GROUPS,
  stackHome,
  stackUrls,
  type StackGroup,
  type StackSettings,
} from '../stack/settings.ts'
import { residentBytes } from '../stack/part-memory.ts'
import { readJobRecord, readJobRecords } from '../stack/jobs/job-records.ts'
import { runningState, stackDown, stackUp } from '../stack/stack.ts'
import { readState, type StackState } from '../stack/state-file.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR, dataDirArgument } from './data-dir-argument.ts'
import { interruptSignal } from './interrupt.ts'
import { wholeNumber } from './option-values.ts'
import { createTalk } from './talk.ts'

interface FolderOptions extends CommonOptions {
  readonly dataDir: string
}

interface UpOptions extends FolderOptions {
  readonly only?: readonly StackGroup[]
  readonly kafkaPort: number
  readonly flinkPort: number
  readonly supersetPort: number
  readonly taskManagerHeap: number
}

/** The command with its subcommands, ready to be added to the program. */
export function stackCommand(): Command {
  return new Command('stack')
    .description(
      'Kafka, Flink, PostgreSQL and Superset on this machine: JDK 17, Maven and Python 3.11 are all they need.',
    )
    .addCommand(upCommand())
    .addCommand(withFolder(new Command('status').description('What runs, where, and why a part ended.')).action(status))
    .addCommand(
      withFolder(new Command('logs').description('The log of a part.').argument('<part>', 'its name, see status'))
        .option('-f, --follow', 'go on as it grows')
        .action(logs),
    )
    .addCommand(
      withFolder(new Command('down').description('Stops everything.'))
        .option('--purge', 'remove topics, checkpoints and logs too; the tables in PostgreSQL stay')
        .action(down),
    )
}

function withFolder(command: Command): Command {
  return command.option('--data-dir <dir>', 'where everything is kept', DEFAULT_DATA_DIR)
}

function upCommand(): Command {
  return withFolder(
    new Command('up').description('Starts what does not run yet; 1.1 GB are installed once, most of it Superset.'),
  )
    .option('--only <parts>', `some of ${STACK_GROUPS.join(', ')}, with commas between (all but traffic)`, groups)
    .option('--kafka-port <port>', 'first of two ports', port, DEFAULT_PORTS.kafka)
    .option('--flink-port <port>', 'first of six ports', port, DEFAULT_PORTS.flink)
    .option('--superset-port <port>', 'of Superset', port, DEFAULT_PORTS.superset)
    .option('--task-manager-heap <mb>', "heap of Flink's task manager", wholeNumber(512, 65_536), 768)
    .action(up)
}

const port = wholeNumber(1, 65_500)

function groups(text: string): readonly StackGroup[] {
  const names = text.split(',').map((name) => name.trim())
  const known = STACK_GROUPS.filter((group) => names.includes(group))
  if (known.length === names.length) return known
  throw new InvalidArgumentError(`Allowed: ${STACK_GROUPS.join(', ')}, with commas between.`)
}

async function up(options: UpOptions): Promise<void> {
  const talk = createTalk(options)
  const settings: StackSettings = {
    home: stackHome(options.dataDir),
    cacheDir: jarCache(),
    groups: options.only ?? DEFAULT_GROUPS,
    ports: portsFrom(options.kafkaPort, options.flinkPort, options.supersetPort),
    taskManagerHeapMb: options.taskManagerHeap,
    dataDir: options.dataDir,
  }
  const progress = talk.progress('installing')
  const state = await stackUp(settings, {
    log: (line) => talk.say(line),
    progress: (share, note) => progress.update(share, note),
    signal: interruptSignal(),
  }).finally(() => progress.end())
  process.stdout.write(options.json === true ? `${JSON.stringify(stateDocument(state))}\n` : stateText(state))
  talk.next(`./tidemark stack status${dataDirArgument(options.dataDir)}`)
}

function status(options: FolderOptions): void {
  const state = readState(stackHome(options.dataDir))
  if (state === undefined || !isRunning(state.supervisor)) {
    process.stdout.write(options.json === true ? '{"running":false,"parts":[]}\n' : 'The stack is down.\n')
    createTalk(options).next(`./tidemark stack up${dataDirArgument(options.dataDir)}`)
    return
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(stateDocument(state))}\n` : stateText(state))
  createTalk(options).next(`./tidemark stack down${dataDirArgument(options.dataDir)}`)
}

function stateDocument(state: StackState): object {
  const memory = memoryOf(state)
  const parts = state.parts.map(({ process: identity, ...part }) => ({
    ...part,
    pid: identity?.pid,
    residentBytes: identity === undefined ? undefined : memory.get(identity.pid),
  }))
  return { running: true, ...stackUrls(state.settings.ports), databaseUrl: state.databaseUrl, parts, jobs: state.jobs }
}

function memoryOf({ parts }: StackState): ReadonlyMap<number, number> {
  return residentBytes(parts.flatMap(({ process: identity }) => identity?.pid ?? []))
}

function stateText(state: StackState): string {
  const memory = memoryOf(state)
  const lines = state.parts.map((part) => {
    const pid = part.process?.pid ?? 0
    const taken = memory.get(pid)
    const size = taken === undefined ? '' : `${Math.round(taken / 1e6)} MB`
    const ended = part.restarts === 0 ? '' : `  ${part.restarts} restarts; last: ${part.reason ?? 'unknown'}`
    return `${part.name.padEnd(12)} ${part.status.padEnd(9)} ${part.address.padEnd(24)} ${size.padStart(8)}  ${pid === 0 ? '' : `pid ${pid}`}${ended}`
  })
  const jobs = state.jobs.map(({ name, revivals, reason }) => {
    return `${name}: ${revivals} revivals; last: ${reason ?? 'before this start'}`
  })
  const psql = state.databaseUrl === undefined ? [] : [psqlCommand(state.databaseUrl)]
  const total = [...memory.values()].reduce((sum, bytes) => sum + bytes, 0)
  const logs = `${Math.round(total / 1e6)} MB in all; logs in ${join(state.settings.home, 'logs')}`
  return `${[...lines, ...jobs, logs, ...psql].join('\n')}\n`
}

async function logs(name: string, options: FolderOptions & { readonly follow?: boolean }): Promise<void> {
  const parts = readState(stackHome(options.dataDir))?.parts ?? []
  const part = parts.find((candidate) => candidate.name === name)
  if (part === undefined || !existsSync(part.logFile)) {
    const allowed = parts.map((candidate) => candidate.name).join(', ')
    const message =
      parts.length === 0
        ? 'The stack was never started from this data folder: there are no logs.'
        : `There is no log of "${name}" (allowed: ${allowed}).`
    throw new TidemarkError('USAGE', message, {
      fix: `./tidemark stack status${dataDirArgument(options.dataDir)}`,
    })
  }
  const follow = options.follow === true ? ['-f'] : []
  const child = spawn('tail', ['-n', '100', ...follow, part.logFile], { stdio: ['ignore', 'inherit', 'inherit'] })
  const signal = interruptSignal()
  signal.addEventListener('abort', () => child.kill())
  await new Promise((resolve) => child.on('close', resolve))
}

function notStopped({ dataDir }: FolderOptions): TidemarkError {
  return new TidemarkError('STACK_UNAVAILABLE', 'The stack did not stop.', {
    fix: `./tidemark stack status${dataDirArgument(dataDir)} (says what still runs), then stop it again`,
  })
}

async function down(options: FolderOptions & { readonly purge?: boolean }): Promise<void> {
  const talk = createTalk(options)
  const home = stackHome(options.dataDir)
  const running = readJobRecords(home).filter(({ state }) => state === 'running')
  const stopped = await stackDown(home)
  for (const { name } of running)
    talk.say(`${name} goes on from ${readJobRecord(home, name)?.savepoint ?? 'its topics'}`)
  if (runningState(home) !== undefined) throw notStopped(options)
  if (options.purge === true) rmSync(home, { recursive: true, force: true })
  if (options.json === true) process.stdout.write(`${JSON.stringify({ stopped })}\n`)
  else talk.say(stopped === 0 ? 'Nothing was running.' : `Stopped ${stopped} processes.`)
  talk.next(`./tidemark stack up${dataDirArgument(options.dataDir)}`)
}
