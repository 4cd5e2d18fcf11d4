/**
 * Answers to what is looked at: asked anew whenever the question changes or an epoch is written, never twice at a time.
 *
 * Q1  What is shown answers what is asked now: the answer to an earlier question is dropped.
 * Q2  An answer that fails leaves the last one in place, and says since when and why.
 */
import { computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import type { ViewQuery } from '../../../src/query/view-query.ts'
import { viewQueryOf } from '../model/answer-screen.ts'
import type { PageState } from '../model/page-state.ts'
import { search, view } from '../state/view-state.ts'
import { page, status } from './store.ts'

/** Why there is no answer: in the words of the server. */
export interface AnswerTrouble {
  readonly message: string
  readonly fix: string
  readonly sinceMs: number
}

export interface Answered {
  readonly state: PageState
  readonly answer: ViewAnswer
}

/** The last answer, with the question it belongs to. */
export const answered: Signal<Answered | null> = signal(null)
/** What stands in the way of an answer; null while all is well. */
export const trouble: Signal<AnswerTrouble | null> = signal(null)
/** Whether the server answers questions at all; null before that is known. */
export const canAsk: Signal<boolean | null> = signal(null)
/** Whether new numbers are not shown. */
export const isPaused: Signal<boolean> = signal(false)
/** Whether what is shown does not answer what is asked yet. */
export const isWaiting: ReadonlySignal<boolean> = computed(
  () => canAsk.value !== false && view.value !== null && answered.value?.state !== view.value,
)

const RETRY_MS = 2_000

let asking: AbortController | undefined
let askedText = ''
let mustAskAgain = false
let retryTimer: ReturnType<typeof setTimeout> | undefined

/** Starts asking, for as long as the page lives. */
export function followAnswers(): void {
  // A run without tables has nothing to ask.
  const hasTables = computed(() => (status.value === null ? null : status.value.database.state !== 'none'))
  effect(() => {
    if (hasTables.value === false) canAsk.value = false
  })
  const question = computed(() => {
    const plan = page.value
    const state = view.value
    return plan === null || hasTables.value !== true || state === null
      ? null
      : { state, query: viewQueryOf(plan, state, search.value) }
  })
  effect(() => {
    const next = question.value
    if (next !== null) void ask(next)
  })
  const epoch = computed(() => status.value?.epoch ?? 0)
  effect(() => {
    if (epoch.value === 0 || isPaused.value) return
    const next = question.peek()
    if (next !== null && canAsk.peek() === true) void ask(next)
  })
}

async function ask(question: { state: PageState; query: ViewQuery }): Promise<void> {
  if (canAsk.peek() === false) return
  const text = JSON.stringify(question.query)
  if (asking !== undefined && text === askedText) {
    mustAskAgain = true
    return
  }
  asking?.abort()
  clearTimeout(retryTimer)
  const own = new AbortController()
  asking = own
  askedText = text
  mustAskAgain = false
  try {
    const answer = await fetchAnswer('/api/v1/view', text, own.signal)
    answered.value = { state: question.state, answer: answer as ViewAnswer }
    canAsk.value = true
    trouble.value = null
  } catch (error) {
    if (own.signal.aborted) return
    takeTrouble(error)
    if (canAsk.peek() === true) retryTimer = setTimeout(() => void ask(question), RETRY_MS)
  } finally {
    if (asking === own) {
      asking = undefined
      if (mustAskAgain) void ask(question)
    }
  }
}

/** A refusal of the server, in its own words. */
export class Refused extends Error {
  readonly status: number
  readonly fix: string

  constructor(status: number, message: string, fix: string) {
    super(message)
    this.status = status
    this.fix = fix
  }
}

/** Posts a question, or gets an address where there is no body. */
export async function fetchAnswer(path: string, body: string | undefined, signal?: AbortSignal): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  const response = await fetch(path, signal === undefined ? init : { ...init, signal })
  if (response.ok) return response.json()
  const text = await response.text()
  const { message, error, fix } = readRefusal(text)
  throw new Refused(response.status, message ?? error ?? `The server answered ${response.status}.`, fix ?? '')
}

function readRefusal(text: string): { message?: string; error?: string; fix?: string } {
  try {
    const value = JSON.parse(text) as { error?: unknown }
    // Some refusals are wrapped: {"error": {…}}.
    return (typeof value.error === 'object' ? value.error : value) as { message?: string; error?: string; fix?: string }
  } catch {
    return {}
  }
}

function takeTrouble(error: unknown): void {
  if (error instanceof Refused && error.status === 404) {
    canAsk.value = false
    return
  }
  const isRefusal = error instanceof Refused
  canAsk.value = canAsk.peek() ?? isRefusal
  trouble.value = {
    message: isRefusal ? error.message : 'The server cannot be reached.',
    fix: isRefusal ? error.fix : '',
    sinceMs: trouble.peek()?.sinceMs ?? Date.now(),
  }
}
