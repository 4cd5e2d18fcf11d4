/**
 * What a running server says of itself in `postmaster.pid`, and how a server is ended from outside.
 *
 * M1  Only a process that is surely the server of this very folder is ever signalled: its number is in the folder's
 *     `postmaster.pid`, it works in that folder and it is called postgres. Once it was, it is known by its start as
 *     well, so that no other process that got its number meanwhile is signalled.
 */
import { readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { commandLine, identify, isAlive, isRunning, type ProcessIdentity, workingFolder } from './process-identity.ts'

/** The first lines of `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly ready: boolean
}

/** Reads `postmaster.pid`; undefined where there is none or it is incomplete. */
export function readPostmaster(clusterDir: string): Postmaster | undefined {
  let text: string
  try {
    text = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8')
  } catch {
    return undefined
  }
  const lines = text.split('\n')
  const pid = Math.abs(Number(lines[0]))
  if (!Number.isSafeInteger(pid) || pid === 0) return undefined
  return { pid, port: Number(lines[3] ?? NaN), ready: lines[7]?.trim() === 'ready' }
}

/** The server that runs on a folder, if one does (M1). */
export function runningPostmaster(clusterDir: string): Postmaster | undefined {
  const postmaster = readPostmaster(clusterDir)
  if (postmaster === undefined || !isAlive(postmaster.pid)) return undefined
  const command = commandLine(postmaster.pid) ?? ''
  if (!/postgres|postmaster/.test(command)) return undefined
  const folder = workingFolder(postmaster.pid)
  const isOurs = folder === undefined ? command.includes(clusterDir) : folder === realpathSync(clusterDir)
  return isOurs ? postmaster : undefined
}

/**
 * Makes sure that no server runs on a folder and that nothing a dead one left stops the next.
 *
 * @returns the number of the process that was stopped, or undefined
 */
export async function clearLeftovers(clusterDir: string): Promise<number | undefined> {
  const running = runningPostmaster(clusterDir)
  await endProcess(running === undefined ? undefined : identify(running.pid))
  // The server clears a dead one's file by itself, unless the dead one's number belongs to another process by now.
  rmSync(join(clusterDir, 'postmaster.pid'), { force: true })
  return running?.pid
}

/**
 * Ends a server: politely, then firmly, then by force; frozen ones too. Resolves when it is gone, at once where it is
 * already.
 */
export async function endProcess(server: ProcessIdentity | undefined): Promise<void> {
  if (server === undefined) return
  const steps: readonly [NodeJS.Signals, number][] = [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ]
  for (const [signal, waitMs] of steps) {
    if (!signalProcess(server, signal) || (await isGoneWithin(server.pid, waitMs))) return
  }
}

function signalProcess(server: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(server)) return false
  try {
    process.kill(server.pid, signal)
    process.kill(server.pid, 'SIGCONT')
    return true
  } catch {
    return false
  }
}

async function isGoneWithin(pid: number, waitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < waitMs; waitedMs += 10) {
    if (!isAlive(pid)) return true
    await delay(10)
  }
  return !isAlive(pid)
}
