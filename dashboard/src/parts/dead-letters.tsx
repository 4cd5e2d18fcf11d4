import type { VNode } from 'preact'
import type { DeadLetterAnswer, DeadLetterRow } from '../../../src/server/query/dead-letter-answer.ts'
import { formatCount } from '../format/numbers.ts'
import { formatClock } from '../format/times.ts'
import { downloadText } from '../live/take-away.ts'
import { useAnswer } from '../live/use-answer.ts'
import { toJson } from '../model/export.ts'
import { view } from '../state/view-state.ts'
import { PartitionName } from './partition-name.tsx'
import { RecordText } from './record-text.tsx'

const LETTERS = 20

/** The records that are no events: why, how many of each kind, and where the newest stand. */
export function DeadLetters(): VNode {
  const { answer, problem } = useAnswer<DeadLetterAnswer>(`/api/v1/dead-letters?limit=${LETTERS}`)
  if (problem !== '') return <p role="alert">{problem}</p>
  if (answer === null) return <p class="sub">Looking</p>
  const { letters, counts } = answer
  if (letters.length === 0) return <p class="sub">None are kept.</p>
  return (
    <>
      <h3>Why</h3>
      <ul class="reasons">
        {reasonCounts(counts).map(({ reason, letters: count }) => (
          <li key={reason}>
            {reason.replaceAll('_', ' ')} <b>{formatCount(count)}</b>
          </li>
        ))}
      </ul>
      <h3>The newest of them</h3>
      <LetterTable letters={letters} />
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

function LetterTable({ letters }: { letters: readonly DeadLetterRow[] }): VNode {
  return (
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
  )
}

function LetterRow({ letter }: { letter: DeadLetterRow }): VNode {
  const { partition, position, reason, field, text, isCut, arrivedAtMs } = letter
  return (
    <tr>
      <td>{formatClock(arrivedAtMs, view.value?.zone)}</td>
      <td>
        <PartitionName full={partition} /> <span class="sub">record {formatCount(position)}</span>
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

/** How many there are for each reason, of all streams, the most frequent first. */
function reasonCounts(counts: DeadLetterAnswer['counts']): readonly { reason: string; letters: number }[] {
  return [...Map.groupBy(counts, ({ reason }) => reason)]
    .map(([reason, own]) => ({ reason, letters: own.reduce((sum, { letters }) => sum + letters, 0) }))
    .toSorted((a, b) => b.letters - a.letters)
}

function lettersTable(letters: readonly DeadLetterRow[]): Parameters<typeof toJson>[0] {
  const columns = ['stream', 'partition', 'position', 'reason', 'field', 'text'] as const
  return { columns, rows: letters.map((letter) => columns.map((column) => letter[column])) }
}
