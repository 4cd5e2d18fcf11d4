/**
 * `strace` around a program: counts the system calls that leave something behind, and lets the program die at one of
 * them, or the call fail.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Calls that change a disk or reach a peer. A name that this machine does not have is left out by the mark before it.
 */
export const DURABLE_CALLS: readonly string[] = (
  'write writev pwrite64 pwritev pwritev2 fsync fdatasync ftruncate sendto sendmsg ' +
  'rename renameat renameat2 unlink unlinkat mkdir mkdirat link linkat'
).split(' ')

/** Whether there is a strace that may trace; why not where there is none. */
export function straceProblem(): string | undefined {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  return status === 0 ? undefined : 'strace is not here, or may not trace (Debian: apt-get install strace)'
}

/** One call of a program, the `number`th of its name in one thread, from 1. */
export interface CallPlace {
  readonly name: string
  readonly number: number
}

/** What to run a program under so that its calls are logged, and `inject` happens to one of them. */
export function underStrace(logFile: string, inject?: string): readonly string[] {
  const traced = `trace=${DURABLE_CALLS.map((name) => `?${name}`).join(',')}`
  const injected = inject === undefined ? [] : ['-e', `inject=${inject}`]
  // The tracer is the child: signals to the program reach the program. With --seccomp-bpf strace 6.1 injects no signal.
  return ['strace', '-D', '-f', '-qq', '-o', logFile, '-e', traced, '-e', 'signal=none', ...injected]
}

/** The environment in which a program's calls are the same each time: one thread for files, no cache of its own. */
export const TRACED_ENV: NodeJS.ProcessEnv = {
  UV_THREADPOOL_SIZE: '1',
  UV_USE_IO_URING: '0',
  NODE_DISABLE_COMPILE_CACHE: '1',
}

/** The calls of a log: of each name the most that one thread made. */
export function countCalls(logFile: string): Map<string, number> {
  const counts = new Map<string, number>()
  const ofThread = new Map<string, number>()
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    const [, thread = '', name = ''] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (name === '') continue
    const key = `${thread} ${name}`
    const count = (ofThread.get(key) ?? 0) + 1
    ofThread.set(key, count)
    counts.set(name, Math.max(counts.get(name) ?? 0, count))
  }
  return counts
}

/** Every place at which a program that made these calls could be struck. */
export function placesOf(counts: ReadonlyMap<string, number>): readonly CallPlace[] {
  return [...counts].flatMap(([name, count]) => Array.from({ length: count }, (_, i) => ({ name, number: i + 1 })))
}
