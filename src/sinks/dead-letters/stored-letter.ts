/**
 * A dead letter as it is kept, in PostgreSQL or in a file, and which of them are asked for.
 */
import { STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import type { DeadLetter } from '../../runtime/ports.ts'
import { deadLetterFields } from '../csv/dead-letter-lines.ts'

/** Its bytes are what is kept of the record; when it arrived is undefined where that is not known. */
export interface StoredLetter extends Omit<DeadLetter, 'arrivalMs'> {
  readonly arrivalMs: number | undefined
}

/** Which letters are asked for: all that agree with each of these. */
export interface LetterFilter {
  readonly stream?: StreamName
  readonly reason?: string
  readonly partition?: string
  readonly position?: number
  /** Arrived then or later, ms since the epoch. */
  readonly fromMs?: number
  /** Arrived before then. */
  readonly toMs?: number
}

/** Whether only a part of the record was kept. */
export function isCut({ bytes, byteLength }: Pick<StoredLetter, 'bytes' | 'byteLength'>): boolean {
  return bytes.length < byteLength
}

/** Whether a letter is asked for. */
export function isWanted(letter: StoredLetter, filter: LetterFilter): boolean {
  const { stream, reason, partition, position, fromMs, toMs } = filter
  const { arrivalMs = NaN } = letter
  return (
    (stream === undefined || letter.stream === stream) &&
    (reason === undefined || letter.reason === reason) &&
    (partition === undefined || letter.partition === partition) &&
    (position === undefined || letter.position === position) &&
    (fromMs === undefined || arrivalMs >= fromMs) &&
    (toMs === undefined || arrivalMs < toMs)
  )
}

/** A letter as a line of a dead-letter file, without the line end. */
export function letterLine(letter: DeadLetter): string {
  const { arrivalMs } = letter
  const arrivedAt = arrivalMs === undefined ? {} : { arrivedAt: new Date(arrivalMs).toISOString() }
  return JSON.stringify({ ...arrivedAt, ...deadLetterFields(letter) })
}

/** The letter of such a line; undefined where it is none, such as one that was being written when the process ended. */
export function readLetterLine(line: string): StoredLetter | undefined {
  const found = parsed(line)
  const stream = STREAM_NAMES.find((name) => name === found?.['stream'])
  const { partition, position, reason, field, text, base64, byteLength, arrivedAt } = found ?? {}
  if (stream === undefined || typeof partition !== 'string' || typeof reason !== 'string') return undefined
  if (typeof position !== 'number' || typeof byteLength !== 'number') return undefined
  return {
    stream,
    partition,
    position,
    reason,
    field: typeof field === 'string' ? field : undefined,
    bytes:
      typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(typeof text === 'string' ? text : ''),
    byteLength,
    arrivalMs: typeof arrivedAt === 'string' ? Date.parse(arrivedAt) : undefined,
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
