/**
 * How much memory there is for this process and what it starts.
 */
import { totalmem } from 'node:os'

/** The program itself, what it keeps free, and something to remember: a run that may use less is of no use. */
export const MIN_MEMORY_BYTES = 400_000_000
/** As much of the machine a run may use at most: PostgreSQL and the system need some as well. */
export const MAX_MACHINE_SHARE = 0.8
/** What a machine or a control group has to have for a run that may use the least. */
export const MIN_MACHINE_BYTES: number = MIN_MEMORY_BYTES / MAX_MACHINE_SHARE

/**
 * What the machine has, or the control group of this process where that is less; bytes. A container is such a group.
 */
export function machineMemoryBytes(): number {
  // Without a control group it is 0, or more than the machine has.
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
