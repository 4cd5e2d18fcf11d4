/**
 * Loaded before a measured program (`node --import`): tells at its end, on file descriptor 3, what the process used.
 */
import { writeSync } from 'node:fs'
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'

/** What a process used from its start to its end. */
export interface Usage {
  /** Processor time, user and system, of all threads, ms. */
  readonly cpuMs: number
  readonly peakRssBytes: number
  /** Longest pause of the garbage collector, ms. */
  readonly longestPauseMs: number
}

let longestPauseMs = 0

function take(entries: readonly PerformanceEntry[]): void {
  for (const { duration } of entries) longestPauseMs = Math.max(longestPauseMs, duration)
}

const observer = new PerformanceObserver((list) => take(list.getEntries()))
observer.observe({ entryTypes: ['gc'] })

process.on('exit', () => {
  take(observer.takeRecords())
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const usage: Usage = {
    cpuMs: (userCPUTime + systemCPUTime) / 1_000,
    peakRssBytes: maxRSS * 1_024,
    longestPauseMs,
  }
  writeSync(3, JSON.stringify(usage))
})
