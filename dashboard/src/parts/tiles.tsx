import type { VNode } from 'preact'
import type { PageMeasure, PagePlan } from '../../../src/pipeline/page.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { NOTHING } from '../format/numbers.ts'
import { beforeInWords, rangeInWords } from '../format/times.ts'
import { hasFew, intervalText, measureChange, measureNumber, measureText } from '../model/measures.ts'
import { answered, mayAsk } from '../live/answers.ts'
import { tilesShown } from '../model/answerable.ts'
import { withMeasure } from '../model/page-state.ts'
import type { Screen } from '../model/screen.ts'
import { go, view } from '../state/view-state.ts'
import { Sparkline } from './sparkline.tsx'

/** One tile for each measure: its value over the range, and the change to what it is compared with. */
export function Tiles({ page, screen }: { page: PagePlan; screen: Screen }): VNode {
  const lengthMs = screen.source === 'memory' ? page.rangeMs : screen.endMs - screen.startMs
  const tiles = tilesShown(page, screen.source)
  return (
    <section
      class={`tiles ${tiles.length === 6 ? 'are-six' : ''}`}
      aria-label={`Totals, ${rangeInWords(lengthMs)}`}
      style={{ '--tiles': tiles.length }}
    >
      {tiles.map((measure) => (
        <Tile key={measure.name} page={page} measure={measure} screen={screen} before={beforeText(page, screen)} />
      ))}
    </section>
  )
}

/** What the range is compared with, in words; undefined where it is with nothing. */
function beforeText(page: PagePlan, screen: Screen): string | undefined {
  if (screen.source === 'memory') return beforeInWords(page.rangeMs)
  const kind = (answered.value?.state ?? view.value)?.comparison.kind ?? 'previous'
  const words = { day: 'day before', week: 'week before', fixed: 'own time', none: undefined }
  return kind === 'previous' ? beforeInWords(screen.endMs - screen.startMs) : words[kind]
}

interface TileProps {
  readonly page: PagePlan
  readonly measure: PageMeasure
  readonly screen: Screen
  readonly before: string | undefined
}

function Tile({ page, measure, screen, before }: TileProps): VNode {
  const { last, complete, before: compared, spark } = screen.totals
  const change = measureChange(measure, complete, compared)
  const interval = intervalText(measure, last)
  const isFew = measure.kind === 'ratio' && measureNumber(measure, last) !== null && hasFew(measure, last)
  const isShown = screen.source === 'tables' && view.value?.measure === measure.name
  return (
    <div class={`tile ${isShown ? 'is-shown' : ''} ${isFew ? 'is-few' : ''}`} data-measure={measure.name}>
      <h2 class="k">
        {mayAsk.value ? (
          <button
            type="button"
            class="plain"
            aria-pressed={isShown}
            title={`Show ${measure.label} in the chart`}
            onClick={() => go((state) => withMeasure(page, state, measure.name))}
          >
            {measure.label}
          </button>
        ) : (
          measure.label
        )}
      </h2>
      <p class="v" title={isFew ? 'Too few events for a ratio that means something' : undefined}>
        {measureText(measure, last)}
      </p>
      <p class="d">
        {before !== undefined && <ChangeText change={change} before={before} isTables={screen.source === 'tables'} />}
        {interval !== undefined && (
          <span class="interval" title="95 % interval (Wilson)">
            {interval}
          </span>
        )}
      </p>
      <Sparkline values={spark.map((values) => sparkValue(measure, values))} />
    </div>
  )
}

function ChangeText(props: { change: ReturnType<typeof measureChange>; before: string; isTables: boolean }): VNode {
  const { change, before, isTables } = props
  return (
    <>
      {change === undefined ? (
        <span title={isTables ? `Nothing to compare with, ${before}` : `There is no full ${before} yet`}>
          {NOTHING}
        </span>
      ) : (
        <span class={change.tone} title={`Compared with the ${before}`}>
          {change.text}
        </span>
      )}
      <span class="vs">vs {before}</span>
    </>
  )
}

function sparkValue(measure: PageMeasure, values: Values | undefined): number | null {
  if (values === undefined) return measure.kind === 'ratio' ? null : 0
  return measure.kind === 'ratio' && hasFew(measure, values) ? null : measureNumber(measure, values)
}
