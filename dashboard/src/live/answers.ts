/**
 * Answers to what is looked at: the stream of the page sends the answer and then what changes in it.
 *
 * Q1  What is shown answers what is asked now: an answer to an earlier question is dropped.
 * Q2  What fails leaves the last answer in place, and says since when and why.
 * Q3  While the page is paused, only a new question is answered, once.
 */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { applyAnswerPatch, type AnswerPatch, type Json } from '../../../src/query/answer-patch.ts'
import type { PlanAnswer } from '../../../src/query/plan-answer.ts'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import { formatViewUrl } from '../../../src/query/view-url.ts'
import { viewQueryOf } from '../model/view-question.ts'
import type { PageState } from '../model/page-state.ts'
import { search, view } from '../state/view-state.ts'
import { isPlanAnswer, isViewAnswer, otherForm } from './answer-shape.ts'
import type { FollowedView } from './connection.ts'
import type { StreamedEvent } from './event-reader.ts'
import { fetchAnswer, Refused } from './refused.ts'
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

/** Whether that has taken so long that it has to be said. */
export const waitsLong: Signal<boolean> = signal(false)

const RETRY_MS = 2_000
const LONG_MS = 1_500

interface Question {
  readonly state: PageState
  readonly search: string
  /** As keys of an address. */
  readonly text: string
}

/** What is shown as it came, for the patches that follow; null before the first answer. */
let held: { readonly text: string; readonly answer: Json; readonly lastId: string } | null = null
/** What is shown answers this. */
const answeredText = signal('')

/** What is looked at; null where nothing can be asked. */
const question: ReadonlySignal<Question | null> = computed(() => {
  const plan = page.value
  const state = view.value
  const asked = planAnswer.value
  if (plan === null || state === null || asked === null) return null
  return { state, search: search.value, text: formatViewUrl(asked.plan, viewQueryOf(plan, state, search.value)) }
})

let searched = ''

/** What the stream of the page asks beside the pipeline: nothing while what is shown stays (Q3). */
export const followedView: FollowedView = {
  question: computed(() => {
    const text = question.value?.text ?? null
    return isPaused.value && text === answeredText.value ? null : text
  }),
  isTyped: () => {
    const isTyped = search.peek() !== searched
    searched = search.peek()
    return isTyped
  },
  lastId: () => (held !== null && held.text === question.peek()?.text ? held.lastId : ''),
  take: takeEvent,
}

/** Starts to learn what can be asked. */
export function followAnswers(): void {
  const hasTables = computed(() => (page.value === null ? null : status.value?.database.state !== 'none'))
  effect(() => {
    if (hasTables.value === true) void learnPlan()
    else if (hasTables.value === false) canAsk.value = false
  })
  effect(() => {
    if (!isWaiting.value) return void (waitsLong.value = false)
    const timer = setTimeout(() => (waitsLong.value = true), LONG_MS)
    return () => clearTimeout(timer)
  })
  // Another look at the same numbers asks nothing.
  effect(() => {
    const asked = question.value
    const last = answered.peek()
    if (asked !== null && last !== null && asked.text === answeredText.value && last.state !== asked.state)
      answered.value = { ...last, state: asked.state }
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

function takeEvent({ id, name, text }: StreamedEvent, of: string): void {
  const asked = question.peek()
  if (asked === null || asked.text !== of) return
  if (name === 'failed') return takeTrouble(new Refused(503, ...refusalTexts(text)))
  const base = held?.text === asked.text ? held.answer : null
  if (name !== 'answer' && name !== 'patch') return
  const answer =
    name === 'answer' ? (JSON.parse(text) as Json) : applyAnswerPatch(base, JSON.parse(text) as AnswerPatch)
  const whole: unknown = answer
  if (!isViewAnswer(whole)) return takeTrouble(otherForm())
  held = { text: asked.text, answer, lastId: id }
  batch(() => {
    answered.value = { state: asked.state, search: asked.search, answer: whole }
    answeredText.value = asked.text
    trouble.value = null
  })
}

function refusalTexts(text: string): [message: string, fix: string] {
  const { message = 'The tables do not answer.', fix = '' } = JSON.parse(text) as { message?: string; fix?: string }
  return [message, fix]
}

function takeTrouble({ message, fix }: Refused): void {
  trouble.value = { message, fix, sinceMs: trouble.peek()?.sinceMs ?? Date.now() }
}
