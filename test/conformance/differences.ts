/**
 * What the two engines make differently of the same records: the lines of the table in docs/parity.md that show in the
 * ledger at the times of their own events, each with its answer from either engine.
 *
 * They are read under A = 10 min, L = 5 min and an outOfOrderness of 20 min, which one of them needs.
 */
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import type { StreamName } from '../../src/pipeline/plan.ts'

/** Under which the lines are read. */
export const DIFFERENCES_PARAMETERS: ParametersDefinition = {
  attributionWindow: '10m',
  allowedLateness: '5m',
  outOfOrderness: '20m',
}

/** Classes of the ledger with their events, as `impressions counted`. */
export type Classes = Readonly<Record<string, number>>

/** A record in the first partition of its stream, or in another. */
export interface SentRecord {
  readonly stream: StreamName
  readonly partition?: number
  /** null for a record without a value. */
  readonly value: string | null
}

export interface Difference {
  /** As it stands in the table. */
  readonly title: string
  /** @param atMs where its six hours begin */
  readonly sent: (atMs: number) => readonly SentRecord[]
  /** Without malformed records, which each engine has at other times. */
  readonly ours: Classes
  readonly flink: Classes
}

/** An impression whose id tells its time, with other members or other source text of members. */
export function sentImpression(timeMs: number, members: Readonly<Record<string, string>> = {}): SentRecord {
  const own = { impression_id: `"i-${timeMs}"`, event_timestamp: String(timeMs), campaign_id: '"c"' }
  return { stream: 'impressions', value: jsonOf({ ...own, ...members }) }
}

/** A click on the impression of a time. */
export function sentClick(timeMs: number, impressionMs: number): SentRecord {
  const ids = { click_id: `"k-${timeMs}"`, impression_id: `"i-${impressionMs}"` }
  return { stream: 'clicks', value: jsonOf({ ...ids, event_timestamp: String(timeMs) }) }
}

function jsonOf(sources: Readonly<Record<string, string>>): string {
  return `{${Object.entries(sources)
    .map(([name, source]) => `${JSON.stringify(name)}:${source}`)
    .join(',')}}`
}

function minutes(count: number): number {
  return count * 60_000
}

/** One id at several minutes. */
function uses(id: string, atMs: number, at: readonly number[]): readonly SentRecord[] {
  return at.map((minute) => sentImpression(atMs + minutes(minute), { impression_id: `"${id}"` }))
}

export const DIFFERENCES: readonly Difference[] = [
  {
    title: 'classes of the ledger',
    // One that counts, one out of the window, and an orphan.
    sent: (at) => [
      sentImpression(at),
      sentClick(at + 1, at),
      sentClick(at + minutes(11), at),
      sentClick(at + minutes(12), at - 1),
    ],
    ours: { 'impressions counted': 1, 'clicks counted': 1, 'clicks out_of_window': 1, 'clicks orphan': 1 },
    flink: { 'impressions counted': 1, 'clicks counted': 1, 'clicks unattributed': 2 },
  },
  {
    title: 'an id used a fourth time or more',
    // The first three are far apart; then a copy of the third, and one that is near the copy and far from the third.
    sent: (at) => uses(`chain-${at}`, at, [0, 20, 40, 50, 60]),
    ours: { 'impressions counted': 4, 'impressions duplicate': 1 },
    flink: { 'impressions counted': 3, 'impressions duplicate': 2 },
  },
  {
    title: 'outOfOrderness over A + L',
    // Four that are far apart, and a copy of the third behind the fourth.
    sent: (at) => uses(`disorder-${at}`, at, [0, 20, 40, 60, 42]),
    ours: { 'impressions counted': 4, 'impressions duplicate': 1 },
    flink: { 'impressions counted': 5 },
  },
  {
    title: 'a member nested 1,000 levels deep, an exponent of over 9 digits',
    sent: (at) => [
      sentImpression(at, { other: `${'['.repeat(1_000)}${']'.repeat(1_000)}` }),
      sentImpression(at + 1, { other: '1e9999999999' }),
      sentImpression(at + 2, { other: '[1e9]' }),
    ],
    ours: { 'impressions counted': 3 },
    flink: { 'impressions counted': 1 },
  },
  {
    title: "text after a record's JSON value, a lone surrogate",
    sent: (at) => [
      { ...sentImpression(at), value: `${sentImpression(at).value} and more` },
      sentImpression(at + 1, { user_id: String.raw`"\ud800"` }),
      sentImpression(at + 2, { user_id: '"u"' }),
    ],
    ours: { 'impressions counted': 1 },
    flink: { 'impressions counted': 3 },
  },
  {
    title: 'texts of fields that are no id and no dimension',
    // 600 bytes, 300 characters.
    sent: (at) => [sentImpression(at, { user_id: `"${'ü'.repeat(300)}"` }), sentImpression(at + 1, { user_id: '"u"' })],
    ours: { 'impressions counted': 1 },
    flink: { 'impressions counted': 2 },
  },
]
