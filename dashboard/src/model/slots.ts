/**
 * Which member has which colour: kept from answer to answer, so that a line does not change its colour when the order of
 * members does.
 */
import { OTHERS_SLOT } from './chart-model.ts'

/** Colours by chart and member. Changed by {@link assignSlots}. */
export type Slots = Map<string, ReadonlyMap<string, number>>

/**
 * The slots of the members of one chart, no two alike.
 *
 * @param wished the colours members have elsewhere on the screen, which come before those they had here
 */
export function assignSlots(
  slots: Slots,
  chart: string,
  members: readonly string[],
  wished: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const chosen = new Map<string, number>()
  const free = new Set(Array.from({ length: OTHERS_SLOT }, (_, slot) => slot))
  const keep = (name: string, slot: number | undefined): void => {
    if (slot === undefined || chosen.has(name) || !free.delete(slot)) return
    chosen.set(name, slot)
  }
  for (const name of members) keep(name, wished.get(name))
  for (const name of members) keep(name, slots.get(chart)?.get(name))
  for (const name of members) keep(name, [...free][0])
  slots.set(chart, chosen)
  return chosen
}
