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

/** The same with the children of children, however deep; NaN where the kernel does not say. */
export function lineageCpuMs(pid: number): number {
  const all = new Map<number, Times>()
  for (const name of readdirSync('/proc')) {
    const times = /^\d+$/.test(name) ? timesOf(Number(name)) : undefined
    if (times !== undefined) all.set(Number(name), times)
  }
  if (!all.has(pid)) return NaN
  let ticks = 0
  for (const [id, { used, ofChildren }] of all) if (isOf(all, id, pid)) ticks += used + ofChildren
  return ticks * TICK_MS
}

function isOf(all: ReadonlyMap<number, Times>, id: number, ancestor: number): boolean {
  let at = id
  while (at !== ancestor && at > 0) at = all.get(at)?.parent ?? 0
  return at === ancestor
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
