/**
 * A question of one component: asked while it is shown, and anew when it is another one.
 */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { messageOf } from '../../../src/errors.ts'
import { fetchAnswer, Refused } from './refused.ts'

/** What is known of an answer. */
export interface Asked<Answer> {
  /** The last answer, whatever has been asked since; null before the first. */
  readonly answer: Answer | null
  /** Whether `answer` is of what is asked now. */
  readonly isCurrent: boolean
  /** Why there is none, in the words of the server; empty where there is. */
  readonly problem: string
}

/** Asks for a path, or posts `body` to it; null asks nothing. An answer to an earlier question is dropped. */
export function useAnswer<Answer>(path: string | null, body?: string): Asked<Answer> {
  const question = `${path ?? ''} ${body ?? ''}`
  const found = useSignal<{ question: string; answer: Answer | null; problem: string }>({
    question: '',
    answer: null,
    problem: '',
  })
  useEffect(() => {
    if (path === null) return
    const own = new AbortController()
    fetchAnswer(path, body, own.signal).then(
      (answer) => (found.value = { question, answer: answer as Answer, problem: '' }),
      (error: unknown) => {
        if (!own.signal.aborted) found.value = { ...found.peek(), question, problem: problemInWords(error) }
      },
    )
    return () => own.abort()
  }, [question])
  const { answer, problem } = found.value
  const isCurrent = found.value.question === question && problem === ''
  return { answer, isCurrent, problem: found.value.question === question ? problem : '' }
}

function problemInWords(error: unknown): string {
  if (error instanceof Refused) return `${error.message} ${error.fix}`.trim()
  return messageOf(error)
}
