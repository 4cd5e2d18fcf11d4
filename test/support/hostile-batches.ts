/**
 * What senders at their worst deliver: copies, repeated ids with other contents, clicks on nothing, stragglers, events
 * of the future and things that are no events. Each batch is marked in each of its lines, so that a journal can be held
 * against what was sent without keeping the lines.
 */
import { crc32 } from 'node:zlib'
import type { StreamName } from '../../src/pipeline/plan.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import { clickLine, impressionLine } from './event-lines.ts'
import type { Random } from './simulated-disk.ts'

/** One request's worth of lines. */
export interface Batch {
  readonly number: number
  readonly stream: StreamName
  readonly body: string
  readonly lineCount: number
  /** Sum of the lines' check sums: the same in any order. */
  readonly checkSum: number
}

const MALFORMED = ['hello', '{"impression_id":true', '[]', '{"event_timestamp":"yesterday"}', '{}'] as const
const REMEMBERED = 500

/** The number of the batch that a line came with. */
export function batchOf(line: string): number {
  return Number(/b(\d+)b"?\}?$/.exec(line)?.[1])
}

/** What a line adds to its batch's check sum. */
export function checkSumOf(line: string): number {
  return crc32(line)
}

export class HostileBatches {
  readonly #random: Random
  readonly #nowMs: () => number
  readonly #recent: Record<StreamName, string[]> = { impressions: [], clicks: [] }
  #batches = 0
  #ids = 0

  /** @param nowMs what event times gather around */
  constructor(random: Random, nowMs: () => number) {
    this.#random = random
    this.#nowMs = nowMs
  }

  next(): Batch {
    const number = this.#batches++
    const stream: StreamName = this.#random() < 0.6 ? 'impressions' : 'clicks'
    const lines = Array.from({ length: 1 + this.#below(200) }, () => marked(this.#line(stream), number))
    const checkSum = lines.reduce((sum, line) => sum + checkSumOf(line), 0)
    return { number, stream, body: lines.map((line) => `${line}\n`).join(''), lineCount: lines.length, checkSum }
  }

  #line(stream: StreamName): string {
    const chance = this.#random()
    if (chance < 0.02) return this.#pick(MALFORMED) ?? ''
    const recent = this.#recent[stream]
    const repeated = chance < 0.15 ? this.#pick(recent) : undefined
    if (repeated !== undefined) return repeated
    const id = chance < 0.2 ? `${stream[0]}${this.#below(this.#ids + 1)}` : `${stream[0]}${this.#ids++}`
    const line = stream === 'impressions' ? this.#impression(id) : this.#click(id)
    recent[this.#below(REMEMBERED)] = line
    return line
  }

  #impression(id: string): string {
    const named = {
      campaign_id: `c${this.#below(5)}`,
      device_type: `d${this.#below(3)}`,
      browser: `b${this.#below(3)}`,
    }
    return impressionLine(id, this.#timeMs(), { ...named, cost: this.#below(1_000) / 1_000 })
  }

  #click(id: string): string {
    const shown = this.#pick(this.#recent.impressions)
    const named = shown === undefined ? undefined : /"impression_id":"(\w+)"/.exec(shown)?.[1]
    return clickLine(id, this.#random() < 0.1 || named === undefined ? `nobody${id}` : named, this.#timeMs())
  }

  #timeMs(): number {
    const chance = this.#random()
    if (chance < 0.01) return this.#nowMs() + 48 * HOUR_MS
    if (chance < 0.03) return this.#nowMs() - HOUR_MS
    return this.#nowMs() - this.#below(20_000)
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)]
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end)
  }
}

/** A member that no plan reads, or the end of what is no object. */
function marked(line: string, batch: number): string {
  const mark = `b${batch}b`
  if (!line.endsWith('}')) return `${line} ${mark}`
  return `${line.slice(0, -1)}${line === '{}' ? '' : ','}"batch":"${mark}"}`
}
