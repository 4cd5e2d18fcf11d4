/**
 * Load for the HTTP ingest, and what the answers took, as JSON on stdout.
 *
 * Closed loop (no `--rate`): every connection sends its next request once the last is answered: the maximum.
 * Open loop (`--rate R`, events/s): requests are planned at equal distances whatever the server does; each is sent at its
 * time over a connection that is free, or as soon as one is. Latency counts from the planned time, so that a server that
 * stalls is charged for all that waited. Between them this program sleeps, at the cost of a millisecond or two that count:
 * a loop that looks at the clock would take a processor from the server.
 *
 * Usage: node http-load.ts --url http://127.0.0.1:4400 [--stream impressions] [--batch 1000] [--connections 4]
 *        [--seconds 10] [--warm-up 2] [--rate EVENTS_PER_S] [--events MOST] [--key KEY]
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/** What was measured after the warm-up. */
export interface HttpLoadResult {
  readonly seconds: number
  readonly requests: number
  readonly events: number
  readonly eventsPerSecond: number
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  /** Events of all answers with 200, those of the warm-up included. */
  readonly acknowledgedEvents: number
  /** Answers by status, those of the warm-up included; `closed` counts connections that ended. */
  readonly statuses: Readonly<Record<string, number>>
  /** From the planned time (open loop) or the sending (closed loop) to the answer, ms. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly most: number }
  /** Open loop: how far sending was ever behind the plan, ms. */
  readonly mostBehindMs: number
  /** Open loop: how late this program was by itself, from when a request was due and a connection free until it was sent. */
  readonly ownLateness: {
    readonly p99Ms: number
    /** Its part of the latency of the slowest hundredth. */
    readonly shareOfSlowest: number
  }
}

/** How long a request took, and how much of that this program was late by itself, ms. */
interface Taken {
  readonly latencyMs: number
  readonly ownLatenessMs: number
}

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:4400' },
    stream: { type: 'string', default: 'impressions' },
    batch: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '2' },
    rate: { type: 'string' },
    events: { type: 'string', default: 'Infinity' },
    key: { type: 'string' },
  },
})
const batch = Number(options.batch)
/** How long answers may take after the last request. */
const DRAIN_MS = 10_000
/** Sets the ids of this program apart from those of others before it. */
const salt = Math.floor(Math.random() * 2 ** 40)
const connectionCount = Number(options.connections)
const warmUpMs = Number(options['warm-up']) * 1_000
const lengthMs = Number(options.seconds) * 1_000
/** Closed loop: ends once so many events were acknowledged. */
const most = Number(options.events)

/** The request that all others are copies of: where ids and times stand in it. */
class Pattern {
  readonly bytes: Buffer
  readonly idPlaces: number[] = []
  readonly timePlaces: number[] = []

  constructor() {
    const body = Array.from({ length: batch }, (_, i) => lineOf(i)).join('')
    const type = batch === 1 ? 'application/json' : 'application/x-ndjson'
    const key = options.key === undefined ? '' : `Authorization: Bearer ${options.key}\r\n`
    const head =
      `POST /v1/${options.stream} HTTP/1.1\r\nHost: ${new URL(options.url).host}\r\n${key}` +
      `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
    this.bytes = Buffer.from(head + body, 'latin1')
    for (let at = this.bytes.indexOf('#id#'); at >= 0; at = this.bytes.indexOf('#id#', at + 1)) this.idPlaces.push(at)
    for (let at = this.bytes.indexOf('#time#'); at >= 0; at = this.bytes.indexOf('#time#', at + 1))
      this.timePlaces.push(at)
  }
}

// Eight and thirteen characters, to be overwritten.
function lineOf(i: number): string {
  const id = `#id#0000-0000-4${hex(i >>> 12, 3)}-8${hex(i & 4095, 3)}-${hex(salt + i * 7919, 12)}`
  const common = `"impression_id":"${id}","event_timestamp":#time#0000000`
  if (options.stream === 'clicks') return `{"click_id":"${id}",${common}}\n`
  const campaign = `"campaign_id":"campaign-${i % 50}","device_type":"${['mobile', 'desktop', 'tablet', 'tv'][i % 4]}"`
  const more = `"browser":"${['chrome', 'safari', 'firefox'][i % 3]}","user_id":"user-${hex(i * 31, 8)}","cost":0.00${(i % 9) + 1}`
  return `{${common},${campaign},${more}}\n`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0').slice(-digits)
}

/** One keep-alive connection with at most one request on its way. */
class Connection {
  readonly #pattern: Pattern
  /** Patched in place: ids are new in each request, times are of the moment. */
  readonly #bytes: Buffer
  readonly #socket: Socket
  #answer: Buffer = Buffer.alloc(0)
  #onAnswer: ((status: number) => void) | undefined
  isClosed = false

  constructor(pattern: Pattern, onClose: () => void) {
    const { hostname, port } = new URL(options.url)
    this.#pattern = pattern
    this.#bytes = Buffer.from(pattern.bytes)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.isClosed = true
      onClose()
    })
  }

  send(number: number, onAnswer: (status: number) => void): number {
    this.#onAnswer = onAnswer
    this.#fill(number, String(Date.now()))
    this.#socket.write(this.#bytes)
    return this.#bytes.length
  }

  close(): void {
    this.#socket.destroy()
  }

  #fill(number: number, time: string): void {
    const id = hex(number, 8)
    for (const at of this.#pattern.idPlaces) this.#bytes.write(id, at, 8, 'latin1')
    for (const at of this.#pattern.timePlaces) this.#bytes.write(time, at, 13, 'latin1')
  }

  // An answer mostly comes in one piece.
  #read(chunk: Buffer): void {
    const text = this.#answer.length === 0 ? chunk : Buffer.concat([this.#answer, chunk])
    const headEnd = text.indexOf('\r\n\r\n')
    const lengthAt = text.indexOf('content-length: ')
    if (headEnd >= 0 && lengthAt >= 0 && lengthAt < headEnd) {
      const length = Number(text.toString('latin1', lengthAt + 16, text.indexOf('\r\n', lengthAt)))
      if (text.length >= headEnd + 4 + length) {
        this.#answer = text.subarray(headEnd + 4 + length)
        this.#onAnswer?.(Number(text.toString('latin1', 9, 12)))
        return
      }
    }
    this.#answer = Buffer.from(text)
  }
}

/** When a request was to be sent, and how late this program is with it, ms. */
interface Planned {
  readonly plannedMs: number
  readonly ownLatenessMs: number
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

class Load {
  readonly #statuses: Record<string, number> = {}
  readonly #taken: Taken[] = []
  readonly #startMs = performance.now()
  #sent = 0
  #bytes = 0
  #mostBehindMs = 0
  #isEnding = false
  /** Since when there is a free connection. */
  #freeSinceMs = 0
  readonly #connections: Connection[]
  readonly #free: Connection[] = []

  constructor() {
    const pattern = new Pattern()
    const onClose = (): void => this.#count('closed')
    this.#connections = Array.from({ length: connectionCount }, () => new Connection(pattern, onClose))
  }

  async closedLoop(): Promise<void> {
    for (const connection of this.#connections) this.#sendAgain(connection)
    while (this.#elapsedMs() < warmUpMs + lengthMs && this.#acknowledged < most) await delay(20)
    this.#isEnding = true
    await this.#answered()
  }

  async openLoop(eventsPerSecond: number): Promise<void> {
    const distanceMs = 1_000 / (eventsPerSecond / batch)
    this.#free.push(...this.#connections)
    let planned = 0
    while (this.#elapsedMs() < warmUpMs + lengthMs) {
      const dueMs = planned * distanceMs
      const connection = this.#elapsedMs() >= dueMs ? this.#takeFree() : undefined
      if (connection === undefined) {
        await delay(1)
        continue
      }
      planned++
      const nowMs = this.#elapsedMs()
      this.#mostBehindMs = Math.max(this.#mostBehindMs, nowMs - dueMs)
      this.#send(connection, { plannedMs: dueMs, ownLatenessMs: nowMs - Math.max(dueMs, this.#freeSinceMs) }, () => {
        if (this.#free.length === 0) this.#freeSinceMs = this.#elapsedMs()
        this.#free.push(connection)
      })
    }
    await this.#answered()
  }

  /** One that is still open: what is sent over another would never be answered, nor be told of. */
  #takeFree(): Connection | undefined {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) if (!free.isClosed) return free
    return undefined
  }

  /** Waits for what is on its way: what was taken and not told would hide as much that was lost. */
  async #answered(): Promise<void> {
    const untilMs = this.#elapsedMs() + DRAIN_MS
    const isWaiting = (connection: Connection): boolean => !connection.isClosed && !this.#free.includes(connection)
    while (this.#connections.some(isWaiting) && this.#elapsedMs() < untilMs) await delay(20)
  }

  result(): HttpLoadResult {
    const seconds = lengthMs / 1_000
    const slowestLast = this.#taken.toSorted((a, b) => a.latencyMs - b.latencyMs)
    const latencies = slowestLast.map(({ latencyMs }) => latencyMs)
    const lateness = this.#taken.map(({ ownLatenessMs }) => ownLatenessMs).toSorted((a, b) => a - b)
    const slowest = slowestLast.slice(Math.floor(slowestLast.length * 0.99))
    const requests = latencies.length
    return {
      seconds,
      requests,
      events: requests * batch,
      eventsPerSecond: (requests * batch) / seconds,
      requestsPerSecond: requests / seconds,
      bytesPerSecond: (this.#bytes / this.#sent) * (requests / seconds),
      acknowledgedEvents: this.#acknowledged,
      statuses: this.#statuses,
      latencyMs: {
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        p999: quantile(latencies, 0.999),
        most: quantile(latencies, 1),
      },
      mostBehindMs: this.#mostBehindMs,
      ownLateness: {
        p99Ms: quantile(lateness, 0.99),
        shareOfSlowest: sum(slowest, ({ ownLatenessMs }) => ownLatenessMs) / sum(slowest, ({ latencyMs }) => latencyMs),
      },
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  get #acknowledged(): number {
    return (this.#statuses['200'] ?? 0) * batch
  }

  #sendAgain(connection: Connection): void {
    if (!connection.isClosed && this.#sent * batch < most && !this.#isEnding)
      this.#send(connection, { plannedMs: this.#elapsedMs(), ownLatenessMs: 0 }, () => this.#sendAgain(connection))
    else this.#free.push(connection)
  }

  #send(connection: Connection, { plannedMs, ownLatenessMs }: Planned, onAnswer: () => void): void {
    this.#bytes += connection.send(this.#sent++, (status) => {
      const nowMs = this.#elapsedMs()
      this.#count(String(status))
      if (status === 200 && nowMs >= warmUpMs && nowMs < warmUpMs + lengthMs)
        this.#taken.push({ latencyMs: nowMs - plannedMs, ownLatenessMs })
      onAnswer()
    })
  }

  #count(status: string): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs
  }
}

const load = new Load()
await (options.rate === undefined ? load.closedLoop() : load.openLoop(Number(options.rate)))
process.stdout.write(`${JSON.stringify(load.result())}\n`)
load.close()
