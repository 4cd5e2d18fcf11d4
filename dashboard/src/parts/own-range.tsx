import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { fromLocalMs, toLocal, zoneInWords } from '../format/zones.ts'
import { parseLength } from '../model/page-url.ts'
import { overlay } from '../state/overlay.ts'
import { screen } from '../state/shown.ts'
import { go, view } from '../state/view-state.ts'
import { Window } from './window.tsx'

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
    if (length.value.trim() !== '') {
      const lengthMs = parseLength(length.value)
      if (lengthMs === undefined) return void (problem.value = 'Write a length such as 45m, 90m, 12h or 14d.')
      go((state) => ({ ...state, range: { kind: 'last', lengthMs } }))
    } else {
      const [startMs, endMs] = [localMs(from.value, zone), localMs(to.value, zone)]
      if (!(endMs - startMs >= 60_000))
        return void (problem.value = 'The end has to be a minute after the start at least.')
      go((state) => ({ ...state, range: { kind: 'fixed', startMs, endMs } }))
    }
    overlay.value = null
  }
  return (
    <Window kind="range" title="A range of your own">
      <form onSubmit={submit}>
        <label>
          The last{' '}
          <input
            type="text"
            size={8}
            placeholder="90m"
            value={length.value}
            onInput={(event) => (length.value = event.currentTarget.value)}
          />
        </label>
        <p class="sub">or</p>
        <label>
          from{' '}
          <input
            type="datetime-local"
            value={from.value}
            onInput={(event) => (from.value = event.currentTarget.value)}
          />
        </label>
        <label>
          to{' '}
          <input type="datetime-local" value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} />
        </label>
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

function localText(timeMs: number, zone: string): string {
  return toLocal(timeMs, zone).toISOString().slice(0, 16)
}

function localMs(text: string, zone: string): number {
  const ms = Date.parse(`${text}Z`)
  return Number.isNaN(ms) ? NaN : fromLocalMs(ms, zone)
}
