/**
 * How far the heap may grow until the garbage collector runs over all of it.
 *
 * V8 counts the bytes of typed arrays as growth of the heap, and lets a small heap grow by 16 MB before it marks everything.
 * The ids of half a million events a second are more than that, and no garbage: it would run three times a second, for 7 %
 * of the event loop's time, and everybody who waits for an acknowledgement waits for it. What is allowed here is less than
 * what V8 allows at most.
 */
import { setFlagsFromString } from 'node:v8'

/** So much may be new, of what is live. */
const GROWTH_PERCENT = 200

/** Lets the heap of this process grow in larger steps; to be called before anything is counted. */
export function growHeapInLargeSteps(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
