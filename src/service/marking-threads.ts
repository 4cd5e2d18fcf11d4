/**
 * The threads that mark the heap for the garbage collector come last.
 *
 * V8 marks beside the event loop, with as many threads as it has, and nobody waits for the end of it. On two cores they took
 * half of the time from the event loop, the disk's threads and PostgreSQL, for 40 to 80 ms whenever 64 MB of ids were new:
 * of the acknowledgements that took over 25 ms nearly all fell there.
 *
 * M1  Nothing depends on it: where a system knows no such priorities, or refuses, all stays as it was.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'

/** The tasks of this process on Linux. */
const TASKS = '/proc/self/task'
/** What Node calls the threads of V8. */
const WORKER = 'V8Worker'
/** How far behind: of a processor that both want, they get a tenth. */
const BEHIND = 10

/** Has one thread at a time mark the heap, behind all else that this process does; to be called before anything is counted. */
export function markHeapBehindAllElse(): void {
  setFlagsFromString('--concurrent-marking-max-worker-num=1')
  for (const thread of workerThreads()) comeLast(thread)
}

function workerThreads(): readonly number[] {
  try {
    const threads = readdirSync(TASKS)
    return threads.filter((id) => readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim() === WORKER).map(Number)
  } catch {
    return []
  }
}

function comeLast(thread: number): void {
  try {
    setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority() + BEHIND))
  } catch {
    // M1
  }
}
