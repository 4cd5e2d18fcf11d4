/**
 * Which members are shown and which colour each has: kept from answer to answer, so that a line neither changes its
 * colour when the order of members does nor goes and comes back with every epoch.
 *
 * A1  A member that was shown keeps its colour for the session, also while it is not shown, unless that is taken by one
 *     that is shown. A new one takes what nobody had, or else what was not seen for longest.
 * A2  While the question stays the same, a member goes only when it is not even among the next few by order.
 */
import { OTHERS_SLOT } from './chart-model.ts'

/** What is remembered from answer to answer. Changed by {@link assignSlots} and {@link keepMembers}. */
export interface Memory {
  /** Colours by chart and member; of those of a chart the last seen comes last. */
  readonly slots: Map<string, ReadonlyMap<string, number>>
  /** Members shown by chart or leaderboard, with the question that they answer. */
  readonly shown: Map<string, { readonly question: unknown; readonly members: readonly string[] }>
}

/** Remembers nothing yet. */
export function newMemory(): Memory {
  return { slots: new Map(), shown: new Map() }
}

/**
 * The slots of the members of one chart, no two alike (A1).
 *
 * @param wished the colours members have elsewhere on the screen, which come before those they had here
 */
export function assignSlots(
  { slots }: Memory,
  chart: string,
  members: readonly string[],
  wished: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const known = slots.get(chart) ?? new Map<string, number>()
  const chosen = new Map<string, number>()
  const seen = [...known.values()]
  const all = Array.from({ length: OTHERS_SLOT }, (_, slot) => slot)
  const free = new Set(all.toSorted((a, b) => seen.lastIndexOf(a) - seen.lastIndexOf(b)))
  const keep = (name: string, slot: number | undefined): void => {
    if (slot === undefined || chosen.has(name) || !free.delete(slot)) return
    chosen.set(name, slot)
  }
  for (const name of members) keep(name, wished.get(name))
  for (const name of members) keep(name, known.get(name))
  for (const name of members) keep(name, [...free][0])
  slots.set(chart, new Map([...[...known].filter(([name]) => !chosen.has(name)), ...chosen]))
  return chosen
}

/**
 * The members to show of those that come first by order, `most` at most and in that order (A2).
 *
 * @param place what shows them
 * @param question what they answer: another one starts anew
 * @param ranked the first by order, some more than are shown
 */
export function keepMembers(
  { shown }: Memory,
  place: string,
  question: unknown,
  ranked: readonly string[],
  most: number,
): ReadonlySet<string> {
  const before = shown.get(place)
  const stay =
    before !== undefined && before.question === question ? before.members.filter((name) => ranked.includes(name)) : []
  const chosen = new Set([...new Set([...stay, ...ranked])].slice(0, most))
  const members = ranked.filter((name) => chosen.has(name))
  shown.set(place, { question, members })
  return new Set(members)
}
