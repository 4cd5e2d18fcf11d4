/**
 * When the garbage collector runs over the whole heap.
 *
 * V8 counts typed arrays beside the heap, and marks all of it whenever 64 MB of them are new, however many there are
 * already. The ids of half a million events a second are that much every five seconds, and no garbage. On two cores
 * each run took half of the event loop's time for 40 to 80 ms: of the acknowledgements that took over 25 ms nearly all
 * fell there. (With its threads at a lower priority the event loop waited for them at the end, for 65 ms.)
 *
 * H1  V8 does not look at typed arrays until they have grown by `MIN_GROWTH_BYTES`, or by `GROWTH` of what there was
 *     where that is more: so much of them may be garbage for a while. Then it decides by itself, as ever, and marks
 *     beside the event loop.
 * H2  Where that is more than the memory of the run has room for, it is collected before (M7 of
 *     `src/runtime/memory-room.ts`).
 */
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** How much of the heap itself may be new, of what is live. V8 lets one of 30 MB grow by 16. */
const HEAP_GROWTH_PERCENT = 200
const MIN_GROWTH_BYTES = 1 << 28
const GROWTH = 0.5
const LOOK_MS = 50
const MAJOR = constants.NODE_PERFORMANCE_GC_MAJOR

/** Lets heap and typed arrays of this process grow in larger steps; to be called once, before anything is counted. */
export function growHeapInLargeSteps(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`)
  let nextRunBytes = 0
  const begin = (): void => {
    const { external_memory: bytes } = getHeapStatistics()
    nextRunBytes = bytes + Math.max(MIN_GROWTH_BYTES, bytes * GROWTH)
    lookAtArrays(false)
  }
  begin()
  new PerformanceObserver((runs) => {
    if (runs.getEntries().some(isOverAll)) begin()
  }).observe({ entryTypes: ['gc'] })
  setInterval(() => {
    if (getHeapStatistics().external_memory > nextRunBytes) lookAtArrays(true)
  }, LOOK_MS).unref()
}

/** Counted in a limit of everything, that of arrays alone is not kept. */
function lookAtArrays(isWanted: boolean): void {
  setFlagsFromString(`--${isWanted ? 'no-' : ''}external-memory-accounted-in-global-limit`)
}

function isOverAll(run: PerformanceEntry): boolean {
  const detail: unknown = 'detail' in run ? run.detail : undefined
  return typeof detail === 'object' && detail !== null && 'kind' in detail && detail.kind === MAJOR
}
