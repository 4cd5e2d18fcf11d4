/**
 * Where and when something was measured.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { delimiter, join } from 'node:path'

/** The project's folder. */
export const ROOT: string = join(import.meta.dirname, '..', '..')

/** Machine, Node, date, commit and load, in one line. */
export function circumstances(nowMs: number): string {
  const [cpu] = cpus()
  const memoryGb = (totalmem() / 2 ** 30).toFixed(0)
  const [load = 0] = loadavg()
  return [
    new Date(nowMs).toISOString().slice(0, 10),
    `commit ${commit()}`,
    `${cpu?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${memoryGb} GB`,
    `Node ${process.version} on ${process.platform}`,
    `load average before: ${load.toFixed(1)}`,
  ].join(' · ')
}

function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
    const isChanged = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`
  } catch {
    return 'unknown'
  }
}

/** What to put before a command so that it has one core, the last one; nothing where that cannot be done. */
export function pinToOneCore(): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  if (process.platform !== 'linux' || !folders.some((folder) => existsSync(join(folder, 'taskset')))) return []
  return ['taskset', '-c', String(cpus().length - 1)]
}
