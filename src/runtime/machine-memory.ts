/**
 * How much memory there is for this process and what it starts.
 */
import { totalmem } from 'node:os'

/** What the machine has, or the control group of this process where that is less; bytes. A container is such a group. */
export function machineMemoryBytes(): number {
  // Without a control group it is 0, or more than the machine has.
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
