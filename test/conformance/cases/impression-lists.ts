/**
 * Cases that are a list of impressions: all malformed, or all counted.
 */
import { ctrRow, EPOCH, impressionRecord, workedCase, type WorkedCase } from '../worked-case.ts'

/** Records that are all malformed, and after them one that is not: what is wrong with them is not what they share. */
export function allMalformed(name: string, lines: readonly (string | Uint8Array)[]): WorkedCase {
  return workedCase(name, {
    impressions: [[...lines, impressionRecord()]],
    ledger: [
      ['impressions', EPOCH, 'malformed', lines.length],
      ['impressions', '10:00', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 0, '0')] },
  })
}

/** Impressions at 10:00:00 that are all counted, each with an id of its own. */
export function allCounted(
  name: string,
  sourcesOfEach: readonly Readonly<Record<string, string>>[],
  spend = '0.000000',
): WorkedCase {
  const lines = sourcesOfEach.map((sources, i) => impressionRecord({ impression_id: `"i${i}"`, ...sources }))
  return workedCase(name, {
    impressions: [lines],
    ledger: [['impressions', '10:00', 'counted', lines.length]],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', lines.length, 0, '0', spend)] },
  })
}
