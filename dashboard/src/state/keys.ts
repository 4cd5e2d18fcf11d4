/**
 * The keys of the page: one table, which `?` shows. Keys in a text field and keys with a modifier are not ours.
 */
import { effect } from '@preact/signals'
import { answered, isPaused } from '../live/answers.ts'
import { snapshotHtml } from '../live/snapshot.ts'
import { downloadText } from '../live/take-away.ts'
import { measuresKept } from '../model/answerable.ts'
import { boardPlans } from '../model/view-question.ts'
import { snapshotInWords } from '../model/finality.ts'
import { COMPARISONS, measureOf, ordersOf, PRESETS_MS, stepRange, withMeasure, zoomOut } from '../model/page-state.ts'
import { screen } from './shown.ts'
import { overlay, say } from './overlay.ts'
import { isHighContrast, theme } from './preferences.ts'
import { go, goHome, search, searchFor, view } from './view-state.ts'

export interface KeyAction {
  readonly keys: readonly string[]
  /** How the key is written. */
  readonly label: string
  readonly text: string
  readonly run: () => void
}

/** Ranges by key. */
const RANGE_ACTIONS: readonly KeyAction[] = PRESETS_MS.map((lengthMs, index) => ({
  keys: [String(index + 1)],
  label: String(index + 1),
  text: ['last 15 minutes', 'last hour', 'last 6 hours', 'last 24 hours', 'last 7 days'][index] ?? '',
  run: () => go((state) => ({ ...state, range: { kind: 'last', lengthMs } })),
}))

const LOOK_ACTIONS: readonly KeyAction[] = [
  { keys: ['ArrowLeft'], label: '←', text: 'the period before', run: () => step(-1) },
  { keys: ['ArrowRight'], label: '→', text: 'the period after', run: () => step(1) },
  { keys: ['z', '-'], label: 'z', text: 'zoom out', run: zoom },
  { keys: ['r'], label: 'r', text: 'a range of your own', run: () => (overlay.value = { kind: 'range' }) },
  { keys: ['h'], label: 'h', text: 'home: the three charts of the last hour', run: goHome },
  { keys: ['c'], label: 'c', text: 'what it is compared with', run: nextComparison },
  { keys: ['m'], label: 'm', text: 'the next measure', run: () => nextMeasure(1) },
  { keys: ['M'], label: 'Shift m', text: 'the measure before', run: () => nextMeasure(-1) },
  { keys: ['d'], label: 'd', text: 'the next dimension to split by', run: () => nextSplit(1) },
  { keys: ['D'], label: 'Shift d', text: 'the dimension before', run: () => nextSplit(-1) },
  { keys: ['s'], label: 's', text: 'sort: most, fell most, rose most, share', run: nextOrder },
  {
    keys: ['/'],
    label: '/',
    text: 'search the leaderboards; Enter or ↓ to the first found',
    run: () => focusOn('#search'),
  },
  { keys: ['b'], label: 'b', text: 'to the next leaderboard; ↑ ↓ and Enter there', run: nextBoard },
  { keys: ['e'], label: 'e', text: 'to the ledger: what became of every event', run: () => focusOn('.ledger button') },
  { keys: ['Escape'], label: 'Esc', text: 'clear the search, then all filters', run: clearOne },
]

const PAGE_ACTIONS: readonly KeyAction[] = [
  { keys: [' '], label: 'Space', text: 'pause and resume', run: () => (isPaused.value = !isPaused.value) },
  { keys: ['f'], label: 'f', text: 'full screen', run: toggleFullScreen },
  { keys: ['k'], label: 'k', text: 'kiosk: nothing but the numbers', run: toggleKiosk },
  { keys: ['t'], label: 't', text: 'light, dark or as the system', run: nextTheme },
  { keys: ['x'], label: 'x', text: 'high contrast', run: () => (isHighContrast.value = !isHighContrast.value) },
  { keys: ['w'], label: 'w', text: 'write the page to a file: a snapshot', run: writeSnapshot },
  { keys: ['?'], label: '?', text: 'these keys', run: () => (overlay.value = { kind: 'help' }) },
]

/** All keys, as `?` groups them. */
export const KEY_GROUPS: readonly { readonly title: string; readonly actions: readonly KeyAction[] }[] = [
  { title: 'Range', actions: RANGE_ACTIONS },
  { title: 'Look', actions: LOOK_ACTIONS },
  { title: 'Page', actions: PAGE_ACTIONS },
]

const BY_KEY = new Map(
  KEY_GROUPS.flatMap(({ actions }) => actions.flatMap((a) => a.keys.map((key) => [key, a] as const))),
)

/** Listens to keys, for as long as the page lives. */
export function followKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (overlay.value !== null) return
    const target = event.target instanceof HTMLElement ? event.target : undefined
    const isText = target?.matches('input, textarea, select, [contenteditable]') === true
    if (isText && event.key !== 'Escape') return
    // A button is pressed by the space bar: there it is not ours.
    if (event.key === ' ' && target?.matches('button, a, summary, [role="button"]') === true) return
    const action = BY_KEY.get(event.key)
    if (action === undefined) return
    event.preventDefault()
    if (isText) target?.blur()
    action.run()
  })
}

function step(direction: -1 | 1): void {
  const shown = screen.value
  if (shown === null) return
  go((state) => stepRange(state, direction, shown, Date.now()))
}

/** A range twice as long, back to live where it reaches the present. */
export function zoom(): void {
  go((state) => zoomOut(state, Date.now()))
}

function nextComparison(): void {
  go((state) => {
    const at = COMPARISONS.findIndex((kind) => kind === state.comparison.kind)
    return { ...state, comparison: { kind: COMPARISONS[(at + 1) % COMPARISONS.length] ?? 'previous' } }
  })
}

function nextMeasure(direction: 1 | -1): void {
  go((state, plan) => {
    const names = measuresKept(plan).map(({ name }) => name)
    const next = names.at((names.indexOf(state.measure) + direction) % names.length)
    return next === undefined ? state : withMeasure(plan, state, next)
  })
}

function nextSplit(direction: 1 | -1): void {
  go((state, plan) => {
    const names = [...boardPlans(plan, state).map(({ dimension }) => dimension.name), null]
    return { ...state, split: names.at((names.indexOf(state.split) + direction) % names.length) ?? null }
  })
}

function nextOrder(): void {
  go((state, plan) => {
    const orders = ordersOf(measureOf(plan, state))
    const now = JSON.stringify(state.order)
    const at = orders.findIndex((order) => JSON.stringify(order) === now)
    return { ...state, order: orders[(at + 1) % orders.length] ?? state.order }
  })
}

/** Lets the search go; where there is none, all filters. */
function clearOne(): void {
  if (search.peek() === '') clearFilters()
  else searchFor('')
}

/** Lets all filters go. */
export function clearFilters(): void {
  go((state) => (state.filters.length === 0 ? state : { ...state, filters: [] }))
}

/** To the first member that is found, once the answer to what is searched for is here. */
export function focusFirstHit(): void {
  const asked = search.peek()
  const stop = effect(() => {
    const isLeft = search.value !== asked
    const isAnswered = answered.value?.search === asked
    if (!isLeft && !isAnswered) return
    requestAnimationFrame(() => {
      stop()
      if (!isLeft) focusOn('.board .member-button')
    })
  })
}

function nextBoard(): void {
  const boards = [...document.querySelectorAll('.board')]
  const at = boards.findIndex((board) => board.contains(document.activeElement))
  const next = boards[(at + 1) % boards.length]
  next?.querySelector<HTMLElement>('.member-button')?.focus()
}

function focusOn(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector)
  element?.focus()
  if (element instanceof HTMLInputElement) element.select()
}

/** Full screen and back. */
function toggleFullScreen(): void {
  const change =
    document.fullscreenElement === null ? document.documentElement.requestFullscreen() : document.exitFullscreen()
  change.catch(() => say('This browser does not allow full screen here.'))
}

function toggleKiosk(): void {
  go((state) => ({ ...state, isKiosk: !state.isKiosk }))
  if (view.value?.isKiosk === true) say('Kiosk: k ends it.')
}

function writeSnapshot(): void {
  const now = new Date().toISOString().slice(0, 16).replaceAll(':', '')
  const about =
    screen.value === null || view.value === null ? '' : snapshotInWords(screen.value, view.value, Date.now())
  downloadText(snapshotHtml(`Tidemark, ${now}`, about), `tidemark-${now}.html`, 'text/html')
}

function nextTheme(): void {
  theme.value = ({ auto: 'light', light: 'dark', dark: 'auto' } as const)[theme.value]
  say(theme.value === 'auto' ? 'Colours as the system' : `${theme.value === 'dark' ? 'Dark' : 'Light'} colours`)
}
