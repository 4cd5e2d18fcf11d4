import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { formatCount } from '../format/numbers.ts'
import { formatClock } from '../format/times.ts'
import { fetchAnswer } from '../live/refused.ts'
import { downloadText } from '../live/take-away.ts'
import { toJson } from '../model/export.ts'
import { view } from '../state/view-state.ts'
import { RecordText } from './record-text.tsx'

interface Letter {
  readonly stream: string
  readonly partition: string
  readonly position: number
  readonly reason: string
  readonly field: string | null
  readonly text: string
  readonly isCut: boolean
  readonly arrivedAtMs: number
}

interface Letters {
  readonly letters: readonly Letter[]
  readonly counts: readonly { readonly stream: string; readonly reason: string; readonly letters: number }[]
}

const LETTERS = 20

/** The newest records that are no events: why, and where they stand. */
export function DeadLetters(): VNode {
  const found = useSignal<Letters | null>(null)
  const problem = useSignal('')
  useEffect(() => {
    fetchAnswer(`/api/v1/dead-letters?limit=${LETTERS}`).then(
      (answer) => (found.value = answer as Letters),
      (error: unknown) => (problem.value = error instanceof Error ? error.message : 'They cannot be had.'),
    )
  }, [])
  if (problem.value !== '') return <p role="alert">{problem.value}</p>
  if (found.value === null) return <p class="sub">Looking</p>
  const { letters, counts } = found.value
  if (letters.length === 0) return <p class="sub">None are kept.</p>
  return (
    <>
      <h3>
        Reasons:{' '}
        {counts
          .map(
            ({ stream, reason, letters: count }) => `${reason.replaceAll('_', ' ')} (${stream}) ${formatCount(count)}`,
          )
          .join(' · ')}
      </h3>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="The newest dead letters">
        <table>
          <thead>
            <tr>
              <th scope="col">Came</th>
              <th scope="col">Where</th>
              <th scope="col">Reason</th>
              <th scope="col">Record</th>
            </tr>
          </thead>
          <tbody>
            {letters.map((letter) => (
              <LetterRow key={`${letter.partition} ${letter.position}`} letter={letter} />
            ))}
          </tbody>
        </table>
      </div>
      <button
        type="button"
        class="quiet all"
        onClick={() => downloadText(toJson(lettersTable(letters)), 'dead-letters.json', 'application/json')}
      >
        download these
      </button>
    </>
  )
}

function LetterRow({ letter }: { letter: Letter }): VNode {
  const { partition, position, reason, field, text, isCut, arrivedAtMs } = letter
  return (
    <tr>
      <td>{formatClock(arrivedAtMs, view.value?.zone)}</td>
      <td>
        {partition} <span class="sub">record {formatCount(position)}</span>
      </td>
      <td>
        {reason.replaceAll('_', ' ')}
        {field === null ? '' : ` (${field})`}
      </td>
      <td>
        <RecordText text={text} isCut={isCut} />
      </td>
    </tr>
  )
}

function lettersTable(letters: readonly Letter[]): Parameters<typeof toJson>[0] {
  const columns = ['stream', 'partition', 'position', 'reason', 'field', 'text'] as const
  return { columns, rows: letters.map((letter) => columns.map((column) => letter[column])) }
}
