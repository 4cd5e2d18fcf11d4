/**
 * How much memory the parts of the stack take, each with the processes it has started itself.
 */
import { execFileSync } from 'node:child_process'

interface Row {
  readonly pid: number
  readonly parent: number
  readonly bytes: number
}

/**
 * Resident bytes of each process given and of all below it; empty where the system does not tell.
 *
 * Pages that several of them share, such as PostgreSQL's buffers, are counted in each.
 */
export function residentBytes(pids: readonly number[]): ReadonlyMap<number, number> {
  const rows = readProcesses()
  const below = (pid: number): number =>
    rows.filter(({ parent }) => parent === pid).reduce((sum, row) => sum + row.bytes + below(row.pid), 0)
  const own = new Map(rows.map(({ pid, bytes }) => [pid, bytes]))
  return new Map(pids.flatMap((pid) => (own.has(pid) ? [[pid, (own.get(pid) ?? 0) + below(pid)] as const] : [])))
}

function readProcesses(): readonly Row[] {
  try {
    const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid = 0, parent = 0, kilobytes = 0]) => ({ pid, parent, bytes: kilobytes * 1024 }))
  } catch {
    return []
  }
}
