import type { VNode } from 'preact'
import { formatMoment, rangeInWords } from '../format/times.ts'
import { PRESETS_MS } from '../model/page-state.ts'
import { lengthText } from '../model/page-url.ts'
import { overlay } from '../state/overlay.ts'
import { screen } from '../state/shown.ts'
import { go, view } from '../state/view-state.ts'

const LABELS = ['15 min', '1 h', '6 h', '24 h', '7 d']

/** The ranges that have a key, and one's own. */
export function RangePicker(): VNode | null {
  const state = view.value
  if (state === null) return null
  const { range } = state
  const preset = range.kind === 'last' ? PRESETS_MS.indexOf(range.lengthMs) : -1
  if (state.isKiosk) return <span class="chip">{range.kind === 'last' ? rangeInWords(range.lengthMs) : ownText()}</span>
  return (
    <div class="seg is-text" role="group" aria-label="Range">
      {PRESETS_MS.map((lengthMs, index) => (
        <button
          key={lengthMs}
          type="button"
          aria-pressed={preset === index}
          aria-label={`Last ${LABELS[index]}`}
          title={`Last ${LABELS[index]} (${index + 1})`}
          onClick={() => go((now) => ({ ...now, range: { kind: 'last', lengthMs } }))}
        >
          {LABELS[index]}
        </button>
      ))}
      <button
        type="button"
        class="own"
        aria-pressed={preset < 0}
        aria-label={preset < 0 ? `Own range: ${ownText()}` : 'Own range'}
        title="A range of your own (r)"
        onClick={() => (overlay.value = { kind: 'range' })}
      >
        {preset < 0 ? ownText() : 'own'}
      </button>
    </div>
  )
}

/** A range that has no key, in words. */
function ownText(): string {
  const state = view.value
  if (state === null) return ''
  if (state.range.kind === 'last') return lengthText(state.range.lengthMs)
  const shown = screen.value
  const { startMs, endMs } = state.range
  const zone = shown?.zone ?? state.zone
  const [start, end] = [formatMoment(startMs, zone), formatMoment(endMs, zone)]
  const isOneDay = start.split(',')[0] === end.split(',')[0]
  return `${start}–${isOneDay ? (end.split(', ')[1] ?? end) : end}`
}
