/**
 * Checks of Node, memory, the clock and the built page.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MIN_MACHINE_BYTES } from '../runtime/machine-memory.ts'
import { MINUTE_MS } from '../time/units.ts'
import { type Check, fail, formatBytes, ok, warn } from './check.ts'

/** Sources run as they are since this version. */
const MIN_NODE: readonly [major: number, minor: number] = [22, 18]
const BEST_NODE_MAJOR = 24

/** @param version such as `24.21.0` */
export function checkNode(version: string, path: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const found = `${version} (${path})`
  const fix = 'rm -rf node_modules && ./tidemark doctor   (brings Node 24)'
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1]))
    return fail('node', `${found}; needed: ${MIN_NODE.join('.')} or later`, fix)
  return major < BEST_NODE_MAJOR ? warn('node', `${found}; measured with ${BEST_NODE_MAJOR}`, fix) : ok('node', found)
}

/** What must not be taken by others. */
const MIN_AVAILABLE_BYTES = 400e6
const GOOD_AVAILABLE_BYTES = 1e9

/**
 * @param availableBytes what this process may still take, limits of a container included
 * @param totalBytes what the machine, or the container, has: with less than `MIN_MACHINE_BYTES` a run refuses to
 *   start
 */
export function checkMemory(availableBytes: number, totalBytes: number): Check {
  const found = `${formatBytes(availableBytes)} available of ${formatBytes(totalBytes)}`
  if (totalBytes < MIN_MACHINE_BYTES) {
    const needed = formatBytes(MIN_MACHINE_BYTES)
    return fail('memory', `${found}; a run needs ${needed} in all`, `Give the container ${needed} or more.`)
  }
  const fix = 'Stop what takes the memory (ps aux --sort=-rss | head), or raise the container limit.'
  if (availableBytes < MIN_AVAILABLE_BYTES)
    return fail('memory', `${found}; needed: ${formatBytes(MIN_AVAILABLE_BYTES)}`, fix)
  return availableBytes < GOOD_AVAILABLE_BYTES
    ? warn('memory', `${found}; advised: ${formatBytes(GOOD_AVAILABLE_BYTES)}`, fix)
    : ok('memory', found)
}

/** Clocks that were never set read 1970 or the year of the firmware; events may not lie beyond 2100. */
const EARLIEST_CLOCK_MS = Date.UTC(2025, 0, 1)
const LATEST_CLOCK_MS = Date.UTC(2100, 0, 1)
const CLOCK_SLACK_MS = MINUTE_MS

/** @param knownMs a moment that is surely past, such as when a file of ours was written */
export function checkClock(nowMs: number, knownMs: number): Check {
  const found = new Date(nowMs).toISOString()
  const fix = 'Set the clock: sudo timedatectl set-ntp true'
  if (nowMs < EARLIEST_CLOCK_MS || nowMs >= LATEST_CLOCK_MS) return fail('clock', `${found} cannot be right`, fix)
  if (nowMs < knownMs - CLOCK_SLACK_MS)
    return warn('clock', `${found} is before our own files were written (${new Date(knownMs).toISOString()})`, fix)
  return ok('clock', found)
}

/** @param root the checkout or the installed package */
export function checkPage(root: string): Check {
  const builtAt = statSync(join(root, 'dist', 'dashboard', 'index.html'), { throwIfNoEntry: false })?.mtime
  if (builtAt !== undefined) return ok('page', `built ${builtAt.toISOString()}`)
  return existsSync(join(root, 'dashboard'))
    ? ok('page', 'not built yet: run, demo and page build it when they start')
    : fail('page', `missing from ${root}`, 'Install Tidemark again: its page is not there.')
}
