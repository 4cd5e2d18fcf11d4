import { useSignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { fromLocalMs, toLocal, zoneInWords } from '../format/zones.ts'
import type { PageState } from '../model/page-state.ts'
import { parseLength } from '../model/page-url.ts'
import { overlay } from '../state/overlay.ts'
import { screen } from '../state/shown.ts'
import { go, view } from '../state/view-state.ts'
import { Window } from './window.tsx'

type PageRange = PageState['range']

const MIN_MS = MINUTE_MS

/** A range of one's own: a length such as `90m` up to now, or from one time to another. */
export function OwnRange(): VNode {
  const zone = view.value?.zone ?? 'UTC'
  const shown = screen.value
  const length = useSignal('')
  const from = useSignal(shown === null ? '' : localText(shown.startMs, zone))
  const to = useSignal(shown === null ? '' : localText(shown.endMs, zone))
  const problem = useSignal('')
  const submit = (event: Event): void => {
    event.preventDefault()
    const range = length.value.trim() === '' ? spanOf(from.value, to.value, zone) : lengthOf(length.value)
    if (typeof range === 'string') return void (problem.value = range)
    go((state) => ({ ...state, range }))
    overlay.value = null
  }
  return (
    <Window kind="range" title="A range of your own">
      <form onSubmit={submit}>
        <label>
          <span>The last</span>{' '}
          <input
            type="text"
            size={8}
            placeholder="90m"
            value={length.value}
            onInput={(event) => (length.value = event.currentTarget.value)}
          />
        </label>
        <p class="sub">or</p>
        <TimeField text="From" signal={from} />
        <TimeField text="To" signal={to} />
        <p class="sub">by the clock of {zoneInWords(zone)}</p>
        {problem.value !== '' && (
          <p class="down" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" class="push">
          Show
        </button>
      </form>
    </Window>
  )
}

function TimeField({ text, signal }: { text: string; signal: Signal<string> }): VNode {
  return (
    <label>
      <span>{text}</span>{' '}
      <input
        type="datetime-local"
        value={signal.value}
        onInput={(event) => (signal.value = event.currentTarget.value)}
      />
    </label>
  )
}

/** The range, or what is wrong with it. */
function lengthOf(text: string): PageRange | string {
  const lengthMs = parseLength(text)
  return lengthMs === undefined ? 'Write a length such as 45m, 90m, 12h or 14d.' : { kind: 'last', lengthMs }
}

function spanOf(from: string, to: string, zone: string): PageRange | string {
  const [startMs, endMs] = [localMs(from, zone), localMs(to, zone)]
  if (!(endMs - startMs >= MIN_MS)) return 'The end has to be a minute after the start at least.'
  return { kind: 'fixed', startMs, endMs }
}

function localText(timeMs: number, zone: string): string {
  return toLocal(timeMs, zone).toISOString().slice(0, 16)
}

function localMs(text: string, zone: string): number {
  const ms = Date.parse(`${text}Z`)
  return Number.isNaN(ms) ? NaN : fromLocalMs(ms, zone)
}
