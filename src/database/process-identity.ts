/**
 * Processes told apart by more than their number, which the system gives out again.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { codeOf } from '../errors.ts'

/** Whether a process of this number runs, ours to signal or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function isZombie(pid: number): boolean {
  return statFields(pid)?.[0] === 'Z'
}

/** A process, told apart from any other that has had or will have its number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, as a text that differs between processes of one number, restarts of the machine included. */
  readonly start: string
}

/** The process that has this number now; undefined where none has. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = startMark(pid)
  return start === undefined ? undefined : { pid, start }
}

/** Whether that very process still runs. */
export function isRunning({ pid, start }: ProcessIdentity): boolean {
  return startMark(pid) === start
}

function startMark(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  const fields = statFields(pid)
  if (fields !== undefined) return `${bootId()}/${fields[19]}`
  return psField(pid, 'lstart=')
}

/** The folder process `pid` works in, or undefined where it cannot be known. */
export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** The command line of process `pid`, or undefined where it cannot be known. */
export function commandLine(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return psField(pid, 'command=')
  }
}

/** The fields of /proc/PID/stat from the state on: the name before them may hold blanks and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function psField(pid: number, field: string): string | undefined {
  try {
    return execFileSync('ps', ['-o', field, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return undefined
  }
}
