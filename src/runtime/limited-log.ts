/**
 * A log that a flood cannot fill: of messages of one kind only so many a minute are written, and the rest is counted.
 *
 * G1  Messages are of one kind when they differ in numbers only.
 * G2  What was left out is said, with its count, once its minute is over; nothing is left out in silence.
 * G3  Memory is bounded: of too many kinds the rest share one.
 */
import { MINUTE_MS } from '../time/units.ts'
import type { Log } from './ports.ts'

const MAX_PER_MINUTE = 10
const MAX_KINDS = 500

interface Kind {
  readonly level: Parameters<Log>[0]
  readonly message: string
  readonly beganAtMs: number
  written: number
  left: number
}

export interface LimitedLog {
  readonly log: Log
  /** Says what was left out in minutes that are over; to be called now and then. */
  readonly tell: () => void
}

/** @param monotonicMs a clock that never goes back, ms */
export function limitLog(log: Log, monotonicMs: () => number, maxPerMinute: number = MAX_PER_MINUTE): LimitedLog {
  const kinds = new Map<string, Kind>()
  const tell = (): void => {
    for (const [key, { level, message, beganAtMs, left }] of kinds) {
      if (monotonicMs() - beganAtMs < MINUTE_MS) continue
      kinds.delete(key)
      if (left > 0) log(level, `${left} more like it in a minute: ${message}`)
    }
  }
  return {
    tell,
    log: (level, message) => {
      tell()
      const kind = kindOf(kinds, level, message, monotonicMs())
      if (kind.written >= maxPerMinute) kind.left++
      else {
        kind.written++
        log(level, message)
      }
    },
  }
}

function kindOf(kinds: Map<string, Kind>, level: Kind['level'], message: string, nowMs: number): Kind {
  const own = `${level} ${message.replaceAll(/\d+/g, '0').slice(0, 200)}`
  const key = kinds.has(own) || kinds.size < MAX_KINDS ? own : `${level} of many kinds`
  const kind = kinds.get(key) ?? { level, message, beganAtMs: nowMs, written: 0, left: 0 }
  kinds.set(key, kind)
  return kind
}
