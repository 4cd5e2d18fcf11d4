/**
 * The memory of a run: what of it requests and waiting results may have, and when there is no more for what is
 * remembered.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TidemarkError } from '../errors.ts'
import { MemoryRoom, type MemoryReadings } from '../runtime/memory-room.ts'
import type { Delivery } from '../runtime/delivery.ts'
import type { Log } from '../runtime/ports.ts'
import type { MemoryStatus } from '../runtime/status.ts'
import type { HttpIngest } from '../server/ingest/http-ingest.ts'
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from '../server/ingest/limits.ts'
import { CLOCK } from './elapsed.ts'
import { requestBytes, WAITING_CELL_BYTES, waitingCells } from './memory-limit.ts'

function refuseLargeRequests(limitBytes: number, { maxBytesInFlight = 0 }: Partial<IngestLimits>): void {
  if (maxBytesInFlight <= limitBytes / 2) return
  throw new TidemarkError(
    'USAGE',
    `Requests may hold ${maxBytesInFlight} bytes of ${limitBytes} that the run may use.`,
    {
      where: '--limit bytes-in-flight',
      given: maxBytesInFlight,
      allowed: [`up to ${Math.floor(limitBytes / 2)}, half of --memory`],
      fix: `--memory ${Math.ceil((2 * maxBytesInFlight) / 1e6)}MB, or a smaller --limit bytes-in-flight`,
    },
  )
}

/** What one request takes of it beside its body, and a little more. */
const REQUEST_BYTES = 4_096

/**
 * Sizes of bodies of which the largest fits with what it is decompressed to into what requests may have together:
 * whatever is larger is said to be too large, instead of to come back for ever.
 */
function bodySizes({ maxBodyBytes, maxInflatedBytes }: Partial<IngestLimits>, maxBytesInFlight: number): BodySizes {
  const half = Math.floor(maxBytesInFlight / 2)
  const body = maxBodyBytes ?? Math.min(DEFAULT_INGEST_LIMITS.maxBodyBytes, half - REQUEST_BYTES)
  const left = maxBytesInFlight - REQUEST_BYTES - body
  const inflated = maxInflatedBytes ?? Math.min(DEFAULT_INGEST_LIMITS.maxInflatedBytes, half, left)
  if (inflated > 0 && inflated <= left) return { maxBodyBytes: body, maxInflatedBytes: inflated }
  const isInflated = maxInflatedBytes !== undefined
  throw new TidemarkError(
    'USAGE',
    `A body of ${body} bytes${isInflated ? ` that is decompressed to ${inflated}` : ''} never fits into the ${maxBytesInFlight} that all requests may hold.`,
    {
      where: isInflated ? '--limit inflated-body' : '--limit body',
      given: isInflated ? inflated : body,
      allowed: ['body and inflated-body together less than bytes-in-flight'],
      fix: 'a smaller one, a larger --limit bytes-in-flight, or more --memory',
    },
  )
}

type BodySizes = Pick<IngestLimits, 'maxBodyBytes' | 'maxInflatedBytes'>

/** Runs the garbage collector over everything: V8 offers it only to whoever asks for it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

export class RunMemory {
  readonly limitBytes: number
  /** What may be sent over HTTP, in as much of the memory as requests may have. */
  readonly limits: Partial<IngestLimits>
  readonly maxWaitingCells: number
  /** What requests are in, once it is open. */
  ingest: HttpIngest | undefined
  /** What results wait in, once it is there. */
  delivery: Delivery | undefined
  readonly #log: Log
  readonly #sendersWait: boolean

  /**
   * @param sendersWait whether events over HTTP go into the journal, so that a memory that is full sends them away
   * @throws TidemarkError USAGE where requests may hold so much that hardly anything could be remembered, or one alone
   *   too much
   */
  constructor(limitBytes: number, limits: Partial<IngestLimits>, log: Log, sendersWait: boolean = true) {
    refuseLargeRequests(limitBytes, limits)
    this.limitBytes = limitBytes
    const { maxBytesInFlight = requestBytes(limitBytes) } = limits
    this.limits = { ...limits, maxBytesInFlight, ...bodySizes(limits, maxBytesInFlight) }
    this.maxWaitingCells = waitingCells(limitBytes)
    this.#log = log
    this.#sendersWait = sendersWait
  }

  /** Makes what says when intake has to wait. `look` tells of the pipeline. */
  room(look: () => Omit<MemoryReadings, 'residentBytes' | 'inFlightBytes'>): MemoryRoom {
    return new MemoryRoom({
      limitBytes: this.limitBytes,
      look: () => ({ ...look(), residentBytes: process.memoryUsage.rss(), inFlightBytes: this.#inFlightBytes() }),
      steadyMs: () => CLOCK.steadyMs(),
      collect: collector(),
      onChange: (status) => this.#tell(status),
    })
  }

  /** What they may still take. */
  #inFlightBytes(): number {
    const { ingest, delivery } = this
    const requests = ingest === undefined ? 0 : ingest.limits.maxBytesInFlight - ingest.bytesInFlight
    const waiting = delivery === undefined ? 0 : this.maxWaitingCells - delivery.status.waitingCells
    return Math.max(0, requests) + Math.max(0, waiting) * WAITING_CELL_BYTES
  }

  #tell({ isFull, neededBytes, limitBytes }: MemoryStatus): void {
    if (!isFull)
      return this.#log(
        'info',
        this.#sendersWait
          ? 'There is memory again: events are taken as before.'
          : 'There is memory again: topics are read as before.',
      )
    const of = `${(neededBytes / 1e9).toFixed(2)} of ${(limitBytes / 1e9).toFixed(2)} GB`
    const who = this.#sendersWait
      ? 'intake waits until some of it expires, and senders are told to come back'
      : 'topics wait until some of it expires, and events over HTTP are taken into them as before'
    this.#log(
      'warn',
      `What has to be remembered fills the memory there is (${of}): ${who}. ` +
        '--memory gives it more; shorter attributionWindow or allowedLateness need less.',
    )
  }
}
