/**
 * Records that are no events, for a page: the newest first, a page of them at a time.
 */
import { STREAM_NAMES, type Plan, type StreamName } from '../../pipeline/plan.ts'
import { choiceAt, textAt, wholeAt } from '../../query/raw-value.ts'
import { parseSearch } from '../../query/search-text.ts'
import { epochMs, qualifiedTable, quoteLiteral } from '../../text/sql-text.ts'
import { viewError } from '../../query/view-error.ts'
import { DEAD_LETTER_TABLE } from '../../sinks/postgres/dead-letter-table.ts'
import type { Snapshot } from './reader-pool.ts'

/** One letter. */
export interface DeadLetterRow {
  readonly stream: StreamName
  readonly partition: string
  /** Number of the record in its partition, from 1; of a topic its offset. */
  readonly position: number
  readonly reason: string
  readonly field: string | null
  /** The beginning of the record; what is no UTF-8 is shown as U+FFFD. */
  readonly text: string
  readonly byteLength: number
  readonly isCut: boolean
  readonly arrivedAtMs: number
}

/** The answer of `/api/v1/dead-letters`. */
export interface DeadLetterAnswer {
  readonly letters: readonly DeadLetterRow[]
  /** How many are kept, by stream and reason. */
  readonly counts: readonly { readonly stream: StreamName; readonly reason: string; readonly letters: number }[]
  /** Asks for the letters after these; null where there are no more. */
  readonly before: string | null
}

export interface LetterQuery {
  readonly stream: StreamName | undefined
  readonly reason: string | undefined
  readonly limit: number
  /** Place of the last letter seen. */
  readonly before: readonly [epoch: number, partition: string, position: number] | undefined
}

const KEYS = ['stream', 'reason', 'limit', 'before']
const MAX_LETTERS = 500

/**
 * The query in the search part of a URL.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseLetterUrl(search: string): LetterQuery {
  const entries = new Map(parseSearch(search))
  const unknown = [...entries.keys()].find((name) => !KEYS.includes(name))
  if (unknown !== undefined) throw viewError('dead-letters', 'has a key that is not known', unknown, KEYS)
  const stream = entries.get('stream')
  const reason = entries.get('reason')
  const limit = entries.get('limit') ?? '50'
  return {
    stream: stream === undefined ? undefined : choiceAt('stream', stream, STREAM_NAMES),
    reason: reason === undefined ? undefined : textAt('reason', reason, 64),
    limit: wholeAt('limit', /^\d{1,6}$/.test(limit) ? Number(limit) : limit, 1, MAX_LETTERS),
    before: placeOf(entries.get('before')),
  }
}

/** Reads a page of letters. */
export async function deadLetterAnswer(snapshot: Snapshot, plan: Plan, query: LetterQuery): Promise<DeadLetterAnswer> {
  const table = qualifiedTable(DEAD_LETTER_TABLE)
  const [known] = await snapshot.rows(`select to_regclass(${quoteLiteral(table)}) is not null`)
  if (known?.[0] !== 't') return { letters: [], counts: [], before: null }
  const own = `pipeline = ${quoteLiteral(plan.name)}`
  const { stream, reason, limit, before } = query
  const conditions = [
    own,
    ...(stream === undefined ? [] : [`stream = ${quoteLiteral(stream)}`]),
    ...(reason === undefined ? [] : [`reason = ${quoteLiteral(reason)}`]),
    ...(before === undefined
      ? []
      : [`(epoch, partition, position) < (${before[0]}, ${quoteLiteral(before[1])}, ${before[2]})`]),
  ]
  const rows = await snapshot.rows(
    `select stream, partition, position, reason, field, encode(bytes, 'hex'), byte_length,
            ${epochMs('arrived_at')}, epoch
       from ${table} where ${conditions.join(' and ')}
      order by epoch desc, partition desc, position desc limit ${limit}`,
  )
  const counts = await snapshot.rows(
    `select stream, reason, count(*) from ${table} where ${own} group by 1, 2 order by 1, 2`,
  )
  const last = rows.length === limit ? rows.at(-1) : undefined
  return {
    letters: rows.map(letterOf),
    counts: counts.map(([of, why, letters]) => ({
      stream: of as StreamName,
      reason: why ?? '',
      letters: Number(letters),
    })),
    before: last === undefined ? null : JSON.stringify([Number(last[8]), last[1], Number(last[2])]),
  }
}

function letterOf(row: readonly (string | null)[]): DeadLetterRow {
  const bytes = Buffer.from(row[5] ?? '', 'hex')
  return {
    stream: row[0] as StreamName,
    partition: row[1] ?? '',
    position: Number(row[2]),
    reason: row[3] ?? '',
    field: row[4] ?? null,
    text: bytes.toString('utf8'),
    byteLength: Number(row[6]),
    isCut: bytes.length < Number(row[6]),
    arrivedAtMs: Number(row[7]),
  }
}

function placeOf(text: string | undefined): LetterQuery['before'] {
  if (text === undefined) return undefined
  const allowed = ['the value of "before" in an answer']
  let place: unknown
  try {
    place = JSON.parse(text)
  } catch {
    throw viewError('before', 'is no place', text, allowed)
  }
  if (!Array.isArray(place) || place.length !== 3) throw viewError('before', 'is no place', text, allowed)
  const most = Number.MAX_SAFE_INTEGER
  return [wholeAt('before', place[0], 0, most), textAt('before', place[1], 4_096), wholeAt('before', place[2], 0, most)]
}
