/**
 * From a chain of payloads to the state they describe. Indexes and filters are not saved: they are made anew.
 *
 * T1  What had expired by the last payload is skipped: granules that its watermark left behind, windows handed out.
 * T2  In the end as many rows are there as the last payload says, each of them from some section.
 * T3  A payload but the last is let go of as soon as it was taken over: the state grows as the chain shrinks.
 */
import type { Granule } from '../state/granule.ts'
import type { Granules } from '../state/granules.ts'
import { type ByteReader, damaged } from './bytes.ts'
import { restoreCells } from './cells.ts'
import { keyTables, restoreScalars, type EngineParts, type SavedScalars } from './engine-parts.ts'
import { readHead, restoreClickRows, restoreImpressionRows, type RowsHead } from './granule-rows.ts'
import { SECTION, sectionsOf, type Section } from './payload.ts'
import { restoreLedgerCells, restoreTexts, restoreTuples } from './tables.ts'

/**
 * Gives a fresh engine the state of a chain.
 *
 * @param chain as `chainOf` gives it
 * @param release told of each payload of which nothing is read any more (T3)
 * @throws TidemarkError `STATE_CORRUPT`
 */
export function restoreParts(
  parts: EngineParts,
  chain: readonly Uint8Array[],
  release: (payload: Uint8Array) => void,
): void {
  const { rollUp, finalise, impressions, clicks, attribute, ledger } = parts
  const moment = [...sectionsOf(chain.at(-1) as Uint8Array, 'momentary')]
  const saved = restoreScalars(parts, theOnly(moment, SECTION.engine))
  const places = [
    placesOf(chain, SECTION.impressionRows, impressions.granules, parts.progress.advancedMs),
    placesOf(chain, SECTION.clickRows, clicks.granules, parts.progress.advancedMs),
  ] as const
  const last = chain.at(-1)
  for (const payload of chain) {
    for (const section of sectionsOf(payload, 'lasting')) applyLasting(parts, section, places)
    if (payload !== last) release(payload)
  }
  for (const { kind, body } of moment)
    if (kind === SECTION.differences) restoreCells(body, (axis) => (axis === 0 ? rollUp.byImpression : rollUp.byClick))
  rebuild(parts, saved)
  attribute.rebuild(saved.settledMs)
  for (const { windows } of finalise.rollUps) for (const block of windows.sorted()) block.takeUnsaved()
  ledger.takeUnsaved()
}

type Places<G> = ReadonlyMap<number, G>

/** Makes the granules that a chain still has rows of, each with room for all of its rows (T1). */
function placesOf<G extends Granule>(
  chain: readonly Uint8Array[],
  kind: number,
  granules: Granules<G>,
  watermarkMs: number,
): Places<G> {
  const heads = new Map<number, RowsHead>()
  for (const payload of chain)
    for (const section of sectionsOf(payload, 'lasting')) {
      if (section.kind !== kind) continue
      const head = readHead(section.body)
      const known = heads.get(head.key)
      if (known === undefined || known.to < head.to) heads.set(head.key, head)
    }
  const inOrder = [...heads.values()].toSorted((a, b) => a.startMs - b.startMs || a.key - b.key)
  const live = inOrder.filter(({ endMs }) => !granules.isExpired(endMs, watermarkMs))
  return new Map(live.map(({ key, startMs, endMs, to }) => [key, granules.restore(key, startMs, endMs, to)]))
}

function applyLasting(
  parts: EngineParts,
  { kind, body }: Section,
  [impressions, clicks]: readonly [
    Places<Parameters<typeof restoreImpressionRows>[0]>,
    Places<Parameters<typeof restoreClickRows>[0]>,
  ],
): void {
  const { finalise, ledger, dictionaries } = parts
  if (kind === SECTION.texts) restoreTexts(body, dictionaries)
  else if (kind === SECTION.tuples) restoreTuples(body, keyTables(parts))
  else if (kind === SECTION.ledger) restoreLedgerCells(body, ledger)
  else if (kind === SECTION.cells)
    restoreCells(body, (index, startMs) =>
      startMs < finalise.takenBeforeMs ? undefined : finalise.rollUps[index]?.windows,
    )
  else if (kind === SECTION.impressionRows) {
    const head = readHead(body)
    const granule = impressions.get(head.key)
    if (granule !== undefined) restoreImpressionRows(granule, head, body)
  } else if (kind === SECTION.clickRows) {
    const head = readHead(body)
    const granule = clicks.get(head.key)
    if (granule !== undefined) restoreClickRows(granule, head, body)
  } else throw damaged(`it has a section of the unknown kind ${kind}`)
}

function rebuild(parts: EngineParts, saved: SavedScalars): void {
  const { impressions, clicks, dictionaries } = parts
  if (impressions.granules.rows !== saved.liveImpressions || clicks.granules.rows !== saved.liveClicks)
    throw damaged(
      `it has ${impressions.granules.rows} impressions and ${clicks.granules.rows} clicks ` +
        `of ${saved.liveImpressions} and ${saved.liveClicks}`,
    )
  for (const texts of dictionaries) {
    texts.rebuild()
    texts.unsaved.take()
  }
  for (const table of keyTables(parts)) {
    table.rebuild()
    table.unsaved.take()
  }
  impressions.rebuild()
  clicks.rebuild()
  for (const { granules } of [impressions, clicks])
    for (const granule of granules.list) {
      granule.savedRows = granule.count
      granule.unsaved.take()
    }
}

function theOnly(sections: readonly Section[], kind: number): ByteReader {
  const [section, ...more] = sections.filter((section) => section.kind === kind)
  if (section === undefined || more.length > 0) throw damaged(`it has ${more.length} sections of kind ${kind} too many`)
  return section.body
}
