/**
 * The stack from outside: up, as it is, and down.
 *
 * U1  Up is done when every part answers, and says why when one does not. What stands already stays.
 * U2  Nothing of an earlier stack is left behind: what a supervisor that died did not stop is stopped first. Only a
 *     process that the state file names, by number and by start, is ever signalled.
 * U3  Down is done when no process of the stack runs.
 * U4  A start is judged by the state that its own supervisor writes: that of the last one is removed first.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isRunning, type ProcessIdentity } from '../database/process-identity.ts'
import { messageOf, TidemarkError } from '../errors.ts'
import { makeFolder } from '../runtime/make-folder.ts'
import { findPortHolder } from '../server/port-holder.ts'
import { complaintIn, logSince } from './end-reason.ts'
import { fetchJars } from './fetch-jars.ts'
import { installSuperset } from './fetch-superset.ts'
import type { StackGroup, StackSettings } from './settings.ts'
import { readState, removeState, type StackState } from './state-file.ts'

/** Superset prepares its metadata at its first start: 20 s, and minutes on a machine that is busy. */
const READY_MS = 420_000
const STOP_MS = 240_000
const POLL_MS = 200

/** What an operation on the stack may say, and what may end it early. */
export interface StackContext {
  readonly log: (line: string) => void
  readonly signal: AbortSignal
  /** How far a long installation is: a share of 0 to 1, and what is being done. */
  readonly progress?: (share: number, note: string) => void
}

/**
 * Starts what does not run yet and waits until everything answers.
 *
 * @throws TidemarkError STACK_UNAVAILABLE, PORT_UNAVAILABLE naming port and owner, DATA_DIR_UNUSABLE
 */
export async function stackUp(settings: StackSettings, context: StackContext): Promise<StackState> {
  const { log, signal } = context
  const running = runningState(settings.home)
  if (running !== undefined) {
    requireGroups(running, settings.groups)
    return untilReady(settings.home, signal)
  }
  makeLogFolder(settings.home)
  await endLeftovers(settings.home)
  for (const set of ['kafka', 'flink'] as const)
    if (settings.groups.includes(set)) await fetchJars(settings.cacheDir, set, log, signal)
  if (settings.groups.includes('superset')) await installSuperset(settings.cacheDir, context)
  await requireFreePorts(settings)
  log(`Starting ${settings.groups.join(', ')}`)
  removeState(settings.home)
  startSupervisor(settings)
  return untilReady(settings.home, signal)
}

/** The state of a stack whose supervisor runs; undefined where none does. */
export function runningState(home: string): StackState | undefined {
  const state = readState(home)
  return state !== undefined && isRunning(state.supervisor) ? state : undefined
}

/** Stops everything. Gives the number of processes that were stopped. */
export async function stackDown(home: string): Promise<number> {
  const state = readState(home)
  if (state === undefined) return 0
  const before = processesOf(state).filter(isRunning).length
  if (isRunning(state.supervisor)) process.kill(state.supervisor.pid, 'SIGTERM')
  await gone(state.supervisor, STOP_MS)
  await endLeftovers(home)
  return before
}

function requireGroups({ settings }: StackState, groups: readonly StackGroup[]): void {
  const missing = groups.filter((group) => !settings.groups.includes(group))
  if (missing.length === 0) return
  throw new TidemarkError('STACK_UNAVAILABLE', `The stack runs already, without ${missing.join(', ')}.`, {
    fix: './tidemark stack down, then the same command again',
  })
}

async function endLeftovers(home: string): Promise<void> {
  const state = readState(home)
  if (state === undefined) return
  // PostgreSQL, which ends by itself with its supervisor, must not be hurried.
  const java = state.parts.filter(({ name }) => name !== 'postgres').flatMap((part) => part.process ?? [])
  for (const identity of [...java.toReversed(), state.supervisor]) {
    if (!isRunning(identity)) continue
    process.kill(identity.pid, 'SIGTERM')
    if (await gone(identity, 20_000)) continue
    process.kill(identity.pid, 'SIGKILL')
    await gone(identity, 5_000)
  }
}

function processesOf(state: StackState): readonly ProcessIdentity[] {
  return state.parts.flatMap((part) => part.process ?? [])
}

async function gone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += POLL_MS) {
    if (!isRunning(identity)) return true
    await delay(POLL_MS)
  }
  return !isRunning(identity)
}

async function requireFreePorts({ groups, ports }: StackSettings): Promise<void> {
  const { kafka, kafkaController, superset, ...flink } = ports
  const needed = [
    ...(groups.includes('kafka') ? Object.entries({ kafka, kafkaController }) : []),
    ...(groups.includes('flink') ? Object.entries(flink) : []),
    ...(groups.includes('superset') ? Object.entries({ superset }) : []),
  ]
  for (const [name, port] of needed) {
    const holder = await findPortHolder(port)
    if (holder === undefined) continue
    throw new TidemarkError('PORT_UNAVAILABLE', `Port ${port}, which ${name} needs, is taken by ${holder}.`, {
      where: `port ${port}`,
      fix: 'stop that process, or choose other ports with --kafka-port, --flink-port and --superset-port',
    })
  }
}

function makeLogFolder(home: string): void {
  try {
    makeFolder(home)
    mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new TidemarkError('DATA_DIR_UNUSABLE', `The stack cannot be kept in ${home}: ${messageOf(error)}.`, {
      where: home,
      cause: error,
      fix: 'Give a folder that can be written to with --data-dir.',
    })
  }
}

function startSupervisor(settings: StackSettings): void {
  const logFolder = join(settings.home, 'logs')
  const settingsFile = join(settings.home, 'settings.json')
  writeFileSync(settingsFile, JSON.stringify(settings), { mode: 0o600 })
  const log = openSync(join(logFolder, 'supervisor.log'), 'a', 0o600)
  const main = join(import.meta.dirname, 'supervise-main.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, settingsFile], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
}

async function untilReady(home: string, signal: AbortSignal): Promise<StackState> {
  for (let waitedMs = 0; waitedMs < READY_MS; waitedMs += POLL_MS) {
    signal.throwIfAborted()
    await delay(POLL_MS)
    const state = readState(home)
    if (state?.failure !== undefined) throw notUp(state.failure, join(home, 'logs'))
    if (state !== undefined && isWhole(state)) return state
    const failing = state?.parts.find(({ status, restarts }) => restarts >= 3 && status !== 'ready')
    if (failing !== undefined) throw notUp(`${failing.name} does not stay up: ${failing.reason}`, failing.logFile)
  }
  const logFile = join(home, 'logs', 'supervisor.log')
  throw notUp(complaintIn(logSince(logFile, 0)) ?? `it was not ready within ${READY_MS / 1_000} s`, logFile)
}

function isWhole({ supervisor, settings, parts }: StackState): boolean {
  const expected = settings.groups.reduce((sum, group) => sum + (group === 'flink' ? 3 : 1), 0)
  return isRunning(supervisor) && parts.length === expected && parts.every(({ status }) => status === 'ready')
}

function notUp(reason: string, logs: string): TidemarkError {
  return new TidemarkError('STACK_UNAVAILABLE', `The stack is not up: ${reason}`, {
    where: logs,
    fix: './tidemark stack status',
  })
}
