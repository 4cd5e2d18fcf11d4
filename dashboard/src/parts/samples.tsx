import type { VNode } from 'preact'
import {
  reasonInWords,
  type SampleAnswer,
  type SampledClass,
  type SampleEvent,
} from '../../../src/query/sample-answer.ts'
import { visibleName } from '../format/names.ts'
import { THIN_SPACE } from '../format/numbers.ts'
import { formatClock, formatLength } from '../format/times.ts'
import { useAnswer } from '../live/use-answer.ts'
import { lookedInWords, noneInWords } from '../model/samples-in-words.ts'
import { view } from '../state/view-state.ts'
import { Name } from './name.tsx'
import { Elsewhere, nameOfPartition } from './partition-name.tsx'
import { RecordText } from './record-text.tsx'

/** Of each stream. */
const SAMPLES = 5

/** A few events of a class that is not counted, out of the retained journal, with the reason of each. */
export function Samples({ eventClass }: { eventClass: SampledClass }): VNode {
  const path = `/api/v1/samples?class=${eventClass}&limit=${SAMPLES}`
  const { answer, problem } = useAnswer<SampleAnswer>(path)
  const zone = view.value?.zone ?? 'UTC'
  if (problem !== '') return <p role="alert">{problem}</p>
  if (answer === null)
    return (
      <p class="sub" role="status">
        Reading the newest events of the journal
      </p>
    )
  const { samples } = answer
  return (
    <>
      <h3>The newest of them</h3>
      <Elsewhere partitions={answer.elsewhere} />
      {samples.length === 0 ? <p>{noneInWords(answer, zone)}</p> : <SampleTable samples={samples} zone={zone} />}
      <p class="sub">{lookedInWords(answer, zone)}</p>
      {samples.length > 0 && (
        <p class="pager">
          <a class="quiet" href={`${path}&format=csv`} download>
            download CSV
          </a>
          <a class="quiet" href={`${path}&format=ndjson`} download>
            download NDJSON
          </a>
        </p>
      )}
    </>
  )
}

function SampleTable({ samples, zone }: { samples: readonly SampleEvent[]; zone: string }): VNode {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Sample events">
      <table class="samples">
        <thead>
          <tr>
            <th scope="col">Came</th>
            <th scope="col">Because</th>
            <th scope="col">Event</th>
            <th scope="col">Time</th>
            <th scope="col">Record</th>
          </tr>
        </thead>
        <tbody>
          {samples.map((sample, index) => (
            <SampleRow key={index} sample={sample} zone={zone} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function SampleRow({ sample, zone }: { sample: SampleEvent; zone: string }): VNode {
  const { stream, id, timeMs, arrivedAtMs, partition, reason, text, isCut } = sample
  const words = { time: (ms: number): string => formatExact(ms, zone), length: exactLength }
  return (
    <tr>
      <td title={`in ${nameOfPartition(partition)}`}>{arrivedAtMs === null ? '' : formatClock(arrivedAtMs, zone)}</td>
      <td class="because">
        <bdi>{visibleName(reasonInWords(reason, words))}</bdi>
      </td>
      <td>
        {stream === 'clicks' ? 'click' : 'impression'} <Name text={id} />
      </td>
      <td>{formatExact(timeMs, zone)}</td>
      <td>
        <RecordText text={text} isCut={isCut} />
      </td>
    </tr>
  )
}

/** `14:32:07.120`: reasons are about milliseconds. */
function formatExact(timeMs: number, zone: string): string {
  return `${formatClock(timeMs, zone)}.${String(((timeMs % 1_000) + 1_000) % 1_000).padStart(3, '0')}`
}

/** What is allowed may be passed by a millisecond. */
function exactLength(lengthMs: number): string {
  return lengthMs < 10_000 ? `${lengthMs / 1_000}${THIN_SPACE}s` : formatLength(lengthMs)
}
