/**
 * What others use of the machine while something is measured: a latency says nothing without it. Linux only; elsewhere NaN.
 */
import { availableParallelism, cpus } from 'node:os'
import { lineageCpuMs } from './process-family.ts'

/** The parent of all threads of the kernel. */
const KERNEL_PID = 2

/** A stretch of time, from when it was made. */
export class OtherUse {
  readonly #startMs = performance.now()
  readonly #before = usedByOthersMs()

  /** The share of all processors that processes which this one did not start have used since. */
  share(): number {
    const elapsedMs = performance.now() - this.#startMs
    return Math.max(0, usedByOthersMs() - this.#before) / (elapsedMs * availableParallelism())
  }
}

/** The kernel's own threads are not among them: they write what we sync. */
function usedByOthersMs(): number {
  let usedMs = 0
  for (const { times } of cpus()) usedMs += times.user + times.nice + times.sys
  return usedMs - lineageCpuMs(process.pid) - lineageCpuMs(KERNEL_PID)
}
