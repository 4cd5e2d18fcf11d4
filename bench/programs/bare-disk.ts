/**
 * What a disk alone can do: one file, appended to at planned times and synced, nothing else. Appends that became due while a
 * sync was under way go together with the next, as in any journal. Tells how long after its planned time an append was
 * durable, as JSON.
 *
 * Usage: node bare-disk.ts DIR [--bytes OF_AN_APPEND] [--rate APPENDS_PER_S] [--seconds 10]
 */
import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/** What was measured. */
export interface BareDiskResult {
  readonly appends: number
  readonly appendsPerSync: number
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly most: number }
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    bytes: { type: 'string', default: '200000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '10' },
  },
})
const rate = Number(options.rate)
const appends = Math.floor(rate * Number(options.seconds))
const bytes = Buffer.alloc(Math.round(Number(options.bytes)), 'x')
const MAX_TOGETHER = Math.max(1, Math.floor((1 << 23) / bytes.length))
const path = join(resolve(positionals[0] ?? '.'), `bare-disk-${process.pid}`)

function append(fd: number, count: number, at: number): Promise<number> {
  const parts = Array.from({ length: count }, () => bytes)
  return new Promise((done, fail) => {
    fs.writev(fd, parts, at, (error, written) => (error === null ? done(written) : fail(error)))
  })
}

function sync(fd: number): Promise<void> {
  return new Promise((done, fail) => fs.fdatasync(fd, (error) => (error === null ? done() : fail(error))))
}

async function measure(fd: number): Promise<BareDiskResult> {
  const latencies: number[] = []
  let syncs = 0
  for (let at = 0, startMs = performance.now(); latencies.length < appends;) {
    const due = Math.min(appends, Math.floor(((performance.now() - startMs) / 1_000) * rate)) - latencies.length
    if (due <= 0) {
      await delay(1)
      continue
    }
    const count = Math.min(due, MAX_TOGETHER)
    at += await append(fd, count, at)
    await sync(fd)
    syncs++
    const nowMs = performance.now() - startMs
    for (let i = 0; i < count; i++) latencies.push(nowMs - (latencies.length / rate) * 1_000)
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.min(appends - 1, Math.floor(appends * share))] ?? NaN
  const latencyMs = { p50: quantile(0.5), p99: quantile(0.99), most: quantile(1) }
  return { appends, appendsPerSync: appends / syncs, latencyMs }
}

const fd = fs.openSync(path, 'wx', 0o600)
try {
  process.stdout.write(`${JSON.stringify(await measure(fd))}\n`)
} finally {
  fs.closeSync(fd)
  fs.rmSync(path)
}
