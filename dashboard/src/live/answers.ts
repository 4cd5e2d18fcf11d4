/**
 * Answers to what is looked at: one stream for the view that is open, which sends the answer and then what changes in
 * it.
 *
 * Q1  What is shown answers what is asked now: an answer to an earlier question is dropped.
 * Q2  A stream that fails leaves the last answer in place, says since when and why, and is opened again.
 * Q3  A page that nobody can see holds no stream: browsers allow few to one server.
 */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { applyAnswerPatch, type AnswerPatch, type Json } from '../../../src/query/answer-patch.ts'
import type { PlanAnswer } from '../../../src/query/plan-answer.ts'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import type { ViewQuery } from '../../../src/query/view-query.ts'
import { formatViewUrl } from '../../../src/query/view-url.ts'
import { viewQueryOf } from '../model/answer-screen.ts'
import type { PageState } from '../model/page-state.ts'
import { search, view } from '../state/view-state.ts'
import { isPlanAnswer, isViewAnswer, otherForm } from './answer-shape.ts'
import { readEvents, type StreamedEvent } from './event-reader.ts'
import { fetchAnswer, Refused, refusalOf } from './refused.ts'
import { page, status } from './store.ts'

/** Why there is no answer: in the words of the server. */
export interface AnswerTrouble {
  readonly message: string
  readonly fix: string
  readonly sinceMs: number
}

export interface Answered {
  readonly state: PageState
  /** What leaderboards were searched for. */
  readonly search: string
  readonly answer: ViewAnswer
}

/** The last answer, with the question it belongs to. */
export const answered: Signal<Answered | null> = signal(null)
/** What stands in the way of an answer; null while all is well. */
export const trouble: Signal<AnswerTrouble | null> = signal(null)
/** Whether the server answers questions at all; null before that is known. */
export const canAsk: Signal<boolean | null> = signal(null)
/** Whether it can be asked, as far as is known: what needs the tables has its place from the start. */
export const mayAsk: ReadonlySignal<boolean> = computed(() => canAsk.value !== false && page.value !== null)
/** Whether new numbers are not shown. */
export const isPaused: Signal<boolean> = signal(false)
/** What can be asked; null where nothing can, or while it is not known. */
export const planAnswer: Signal<PlanAnswer | null> = signal(null)
/** Whether what is shown does not answer what is asked yet. */
export const isWaiting: ReadonlySignal<boolean> = computed(
  () => canAsk.value === true && view.value !== null && answered.value?.state !== view.value,
)

const RETRY_MS = 2_000
const SEARCH_PAUSE_MS = 150

interface Question {
  readonly state: PageState
  readonly search: string
  readonly query: ViewQuery
}

const isVisible = signal(document.visibilityState === 'visible')
let stream: AbortController | undefined
let retryTimer: ReturnType<typeof setTimeout> | undefined

/** What is asked now; null where nothing can be. */
const question: ReadonlySignal<Question | null> = computed(() => {
  const plan = page.value
  const state = view.value
  return plan === null || state === null || planAnswer.value === null
    ? null
    : { state, search: search.value, query: viewQueryOf(plan, state, search.value) }
})

/** Starts asking, for as long as the page lives. */
export function followAnswers(): void {
  document.addEventListener('visibilitychange', () => (isVisible.value = document.visibilityState === 'visible'))
  const hasTables = computed(() => (page.value === null ? null : status.value?.database.state !== 'none'))
  effect(() => {
    if (hasTables.value === true) void learnPlan()
    else if (hasTables.value === false) canAsk.value = false
  })
  let searched = ''
  effect(() => {
    const next = question.value
    const mayListen = isVisible.value && !isPaused.value
    clearTimeout(retryTimer)
    stream?.abort()
    stream = undefined
    if (next === null) return
    const isTyping = search.peek() !== searched
    searched = search.peek()
    if (isTyping) retryTimer = setTimeout(() => void listen(next, !mayListen), SEARCH_PAUSE_MS)
    else if (mayListen || answered.peek()?.state !== next.state) void listen(next, !mayListen)
  })
}

async function learnPlan(): Promise<void> {
  if (planAnswer.peek() !== null) return
  try {
    const plan = await fetchAnswer('/api/v1/plan')
    if (!isPlanAnswer(plan)) throw otherForm()
    batch(() => {
      planAnswer.value = plan
      canAsk.value = true
    })
  } catch (error) {
    // The plan needs no database: a server that refuses it has no tables to ask at all.
    if (error instanceof Refused) canAsk.value = false
    else setTimeout(() => void learnPlan(), RETRY_MS)
  }
}

/** Opens the stream of a question; `once` closes it after the first answer. */
async function listen(asked: Question, once: boolean): Promise<void> {
  const plan = planAnswer.peek()?.plan
  if (plan === undefined) return
  const own = new AbortController()
  stream = own
  let answer: Json = null
  let lastId = ''
  const take = ({ id, name, text }: StreamedEvent): void => {
    if (own.signal.aborted) return
    if (id !== '') lastId = id
    if (name === 'failed') return takeTrouble(new Refused(503, ...refusalTexts(text)))
    if (name === 'answer') answer = JSON.parse(text) as Json
    else if (name === 'patch') answer = applyAnswerPatch(answer, JSON.parse(text) as AnswerPatch)
    else return
    const whole: unknown = answer
    if (!isViewAnswer(whole)) return takeTrouble(otherForm())
    batch(() => {
      answered.value = { state: asked.state, search: asked.search, answer: whole }
      trouble.value = null
    })
    if (once) own.abort()
  }
  while (!own.signal.aborted) {
    try {
      const path = `/api/v1/live?${formatViewUrl(plan, asked.query)}`
      const from = answer === null ? '' : lastId
      await readEvents(path, { lastId: from, signal: own.signal, onEvent: take, refusalOf })
    } catch (error) {
      if (!own.signal.aborted) takeTrouble(error)
    }
    if (!own.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

function refusalTexts(text: string): [message: string, fix: string] {
  const { message = 'The tables do not answer.', fix = '' } = JSON.parse(text) as { message?: string; fix?: string }
  return [message, fix]
}

function takeTrouble(error: unknown): void {
  const isRefusal = error instanceof Refused
  trouble.value = {
    message: isRefusal ? error.message : 'The server cannot be reached.',
    fix: isRefusal ? error.fix : '',
    sinceMs: trouble.peek()?.sinceMs ?? Date.now(),
  }
}
