/**
 * All processes of a PostgreSQL server, to be frozen or killed together.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Signals the postmaster and every process that it started; returns how many there were. */
export function signalServer(postmasterPid: number, name: NodeJS.Signals): number {
  const pids = [postmasterPid, ...childrenOf(postmasterPid)]
  for (const pid of pids) signalIfThere(pid, name)
  return pids.length
}

/**
 * Whether the system has stopped every one of them; one that had ended before its parent was stopped counts as well.
 */
export function isServerStopped(postmasterPid: number): boolean {
  return [postmasterPid, ...childrenOf(postmasterPid)].every((pid) => /^\d+ \(.*\) [TtZ] /.test(statOf(pid)))
}

function childrenOf(parentPid: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && new RegExp(`^\\d+ \\(.*\\) \\w ${parentPid} `).test(statOf(pid)))
}

/** The line that the system has about a process; empty where it is gone. */
function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}

function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
