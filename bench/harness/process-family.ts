/**
 * Processor time of a process with all of its children, those that have ended included. Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** What a tick of the kernel's books takes. */
const TICK_MS = 10

/** Processor time so far, ms; NaN where the kernel does not say. */
export function familyCpuMs(pid: number): number {
  const own = timesOf(pid)
  if (own === undefined) return NaN
  let ticks = own.used + own.ofChildren
  for (const name of readdirSync('/proc')) {
    const child = /^\d+$/.test(name) ? timesOf(Number(name)) : undefined
    if (child?.parent === pid) ticks += child.used
  }
  return ticks * TICK_MS
}

interface Times {
  readonly parent: number
  readonly used: number
  /** Of children that ended and were waited for. */
  readonly ofChildren: number
}

function timesOf(pid: number): Times | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program may hold anything, a closing parenthesis too.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [, parent = 0] = fields
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11)
    return { parent, used: user + system, ofChildren: childUser + childSystem }
  } catch {
    return undefined
  }
}
