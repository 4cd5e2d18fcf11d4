import type { VNode } from 'preact'
import type { PageMeasure, PagePlan } from '../../../src/pipeline/page.ts'
import type { PageData } from '../../../src/server/page-data.ts'
import { NOTHING } from '../format/numbers.ts'
import { beforeInWords, rangeInWords } from '../format/times.ts'
import { hasFew, intervalText, measureChange, measureNumber, measureText } from '../model/measures.ts'
import { Sparkline } from './sparkline.tsx'

/** One tile for each measure: its value over the range, and the change to the time before. */
export function Tiles({ page, data }: { page: PagePlan; data: PageData }): VNode {
  return (
    <section
      class="tiles"
      aria-label={`Totals, ${rangeInWords(page.rangeMs)}`}
      style={{ '--tiles': page.tiles.length }}
    >
      {page.tiles.map((measure) => (
        <Tile key={measure.name} page={page} measure={measure} data={data} />
      ))}
    </section>
  )
}

function Tile({ page, measure, data }: { page: PagePlan; measure: PageMeasure; data: PageData }): VNode {
  const { totals } = data
  const change = measureChange(measure, totals.complete, totals.before)
  const interval = intervalText(measure, totals.last)
  const before = beforeInWords(page.rangeMs)
  return (
    <div class="tile" data-measure={measure.name}>
      <h2 class="k">{measure.label}</h2>
      <p class="v">{measureText(measure, totals.last)}</p>
      <p class="d">
        {change === undefined ? (
          <span title={`There is no full ${before} yet`}>{NOTHING}</span>
        ) : (
          <span class={change.tone} title={`Complete minutes, compared with as many in the ${before}`}>
            {change.text}
          </span>
        )}
        <span class="vs">vs {before}</span>
        {interval !== undefined && <span title="95 % interval (Wilson)">{interval}</span>}
      </p>
      <Sparkline values={sparkValues(page, measure, data)} />
    </div>
  )
}

/** Windows of the range but the newest, which is still filling. */
function sparkValues({ windowSizeMs }: PagePlan, measure: PageMeasure, { range, totals }: PageData): (number | null)[] {
  const count = Math.max(0, (range.endMs - range.startMs) / windowSizeMs - 1)
  return Array.from({ length: count }, (_, index) => {
    const row = totals.rows[range.startMs + index * windowSizeMs]
    if (row === undefined) return measure.kind === 'ratio' ? null : 0
    return measure.kind === 'ratio' && hasFew(measure, row) ? null : measureNumber(measure, row)
  })
}
