/**
 * Answers to the job that all programs of the comparison do, as lines of minute, campaign, impressions and clicks.
 */

const COLUMNS = ['window_start', 'campaign_id', 'impressions', 'clicks'] as const

/** The answer in a table of `ctr_by_campaign` as we write it, whose names of campaigns need no quotes. */
export function answerOfTable(csv: string): readonly string[] {
  const [header = '', ...rows] = csv.trimEnd().split('\n')
  const places = COLUMNS.map((name) => header.split(',').indexOf(name))
  const lines = rows.map((row) => {
    const cells = row.split(',')
    const [start = '', ...others] = places.map((place) => cells[place] ?? '')
    return [Date.parse(start), ...others].join(',')
  })
  return lines.sort()
}

/** The answer as a peer writes it, in any order. */
export function answerOfPeer(csv: string): readonly string[] {
  return csv.trimEnd().split('\n').sort()
}

/** Throws where two answers are not the same to the last click. */
export function requireSameAnswer(name: string, ours: readonly string[], theirs: readonly string[]): void {
  const differs = ours.findIndex((line, index) => line !== theirs[index])
  if (differs === -1 && ours.length === theirs.length) return
  const at = differs === -1 ? ours.length : differs
  throw new Error(
    `${name} has another answer: ${theirs.length} rows for our ${ours.length}; row ${at + 1} is ${theirs[at] ?? 'missing'} for our ${ours[at] ?? 'none'}.`,
  )
}
