import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { formatClock, formatDate, rangeInWords } from '../format/times.ts'
import { isPaused, mayAsk, trouble } from '../live/answers.ts'
import { link, status, waiting } from '../live/store.ts'
import { logOut, viewer } from '../live/viewer.ts'
import { freshnessOf, nothingComes, stalledForMs, type Freshness as FreshnessInWords } from '../model/freshness.ts'
import { hasEnded } from '../model/progress.ts'
import { overlay } from '../state/overlay.ts'
import { theme, type Theme } from '../state/preferences.ts'
import { shownUpToMs } from '../state/shown.ts'
import { view } from '../state/view-state.ts'
import { ComparisonPicker } from './comparison-picker.tsx'
import { Mark } from './mark.tsx'
import { Name } from './name.tsx'
import { RangePicker } from './range-picker.tsx'
import { ZonePicker } from './zone-picker.tsx'

/** The mark, what is shown, how fresh it is, and how it looks. */
export function Header({ page }: { page: PagePlan | null }): VNode {
  const isAsking = mayAsk.value
  return (
    <header class={page === null && trouble.value === null ? 'is-unknown' : ''}>
      <Mark />
      {isAsking ? (
        <>
          <RangePicker />
          <ComparisonPicker />
        </>
      ) : (
        page !== null && <span class="chip">{rangeInWords(page.rangeMs)}</span>
      )}
      {isAsking ? (
        <ZonePicker />
      ) : (
        <span class="chip" title="All times on this page are in Coordinated Universal Time">
          UTC
        </span>
      )}
      <Freshness page={page} />
      <div class="tools">
        {viewer.value?.isLoginRequired === true && <Account name={viewer.value.name} />}
        <PauseButton />
        <ThemeChoice />
        <button
          type="button"
          class="tool"
          aria-label="Keys and settings"
          title="Keys and settings (?)"
          onClick={() => (overlay.value = { kind: 'help' })}
        >
          ?
        </button>
      </div>
    </header>
  )
}

function Freshness({ page }: { page: PagePlan | null }): VNode {
  const { state, lastMessageMs } = link.value
  const zone = view.value?.zone ?? 'UTC'
  const now = status.value
  const upToMs = shownUpToMs.value
  if (state === 'stale')
    return <Sentence tone="bad" before="Stale since" timeMs={lastMessageMs ?? 0} zone={zone} after=", reconnecting" />
  if (state === 'loading' || now === null || page === null) return <Sentence tone="wait" before="Connecting" />
  if (upToMs === null) {
    const silence = nothingComes(now)
    return (
      <Sentence tone={silence === undefined ? 'wait' : 'warn'} before={silence ?? 'Waiting for the first events'} />
    )
  }
  // Without tables to ask the numbers come from memory, and are as new as ever.
  const stalled = mayAsk.value ? stalledForMs(now, waiting.value) : null
  const isFixed = mayAsk.value && view.value?.range.kind === 'fixed'
  const said = freshnessOf(mayAsk.value ? now : { ...now, database: { ...now.database, state: 'up' } }, {
    upToMs,
    isPaused: isPaused.value,
    isFixed,
    stalledForMs: stalled,
  })
  return <Sentence {...said} zone={zone} isDated={hasEnded(now)} />
}

interface SentenceProps extends Partial<Omit<FreshnessInWords, 'tone'>> {
  readonly tone: FreshnessInWords['tone'] | 'wait'
  readonly zone?: string
  readonly isDated?: boolean
}

function Sentence({ tone, before, timeMs = null, after = '', zone = 'UTC', isDated = false }: SentenceProps): VNode {
  const isBehind = after.endsWith('behind')
  return (
    // A time that moves on every second is nothing to announce.
    <p class={`fresh is-${tone}`} role={tone === 'live' || (timeMs !== null && tone === 'calm') ? undefined : 'status'}>
      <span>
        {before}
        {timeMs !== null && ' '}
        {timeMs !== null && (
          <b>{isDated ? `${formatDate(timeMs, zone)}, ${formatClock(timeMs, zone)}` : formatClock(timeMs, zone)}</b>
        )}
        {isBehind ? <span class="behind">{after}</span> : after}
      </span>
    </p>
  )
}

function Account({ name }: { name: string | null }): VNode {
  return (
    <span class="account">
      {name !== null && <Name text={name} />}
      <button type="button" class="quiet" onClick={() => void logOut()}>
        log out
      </button>
    </span>
  )
}

function PauseButton(): VNode {
  return (
    <button
      type="button"
      class="tool"
      aria-pressed={isPaused.value}
      aria-label={isPaused.value ? 'Resume' : 'Pause'}
      title={`${isPaused.value ? 'Resume' : 'Pause'} (space)`}
      onClick={() => (isPaused.value = !isPaused.value)}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={isPaused.value ? 'M5 3v10l8-5z' : 'M5.5 3v10M10.5 3v10'} />
      </svg>
    </button>
  )
}

const THEMES: readonly { theme: Theme; label: string; icon: VNode }[] = [
  {
    theme: 'light',
    label: 'Light',
    icon: (
      <path d="M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.5 1.5M11.5 11.5 13 13M3 13l1.5-1.5M11.5 4.5 13 3M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z" />
    ),
  },
  { theme: 'auto', label: 'As the system', icon: <path d="M2 3h12v8H2zM5.5 14h5M8 11v3" /> },
  { theme: 'dark', label: 'Dark', icon: <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z" /> },
]

function ThemeChoice(): VNode {
  return (
    <div class="seg" role="group" aria-label="Theme">
      {THEMES.map(({ theme: choice, label, icon }) => (
        <button
          key={choice}
          type="button"
          title={label}
          aria-label={label}
          aria-pressed={theme.value === choice}
          onClick={() => (theme.value = choice)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            {icon}
          </svg>
        </button>
      ))}
    </div>
  )
}
