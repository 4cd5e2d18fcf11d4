import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import { copyText } from '../live/take-away.ts'
import { useAnswer } from '../live/use-answer.ts'
import { viewQueryOf } from '../model/view-question.ts'
import { screen } from '../state/shown.ts'
import { search, view } from '../state/view-state.ts'
import { Window } from './window.tsx'

/** What psql would run for the numbers of one chart. */
export function SqlWindow(props: { page: PagePlan; title: string; index: number }): VNode {
  const { page, title, index } = props
  // What is shown when it opens: a range that moves on would ask again every minute.
  const question = useMemo(() => {
    const state = view.peek()
    if (state === null) return null
    const query = viewQueryOf(page, state, search.peek())
    const drawn = screen.peek()?.charts[index]?.series.filter(({ isOthers }) => !isOthers) ?? []
    const members = drawn.map(({ name }) => name)
    const series = query.series.slice(index, index + 1).map((part) => {
      // Who is drawn: more are asked for, and which of them stay is up to the page.
      return part.split === null || members.length === 0 ? part : { ...part, top: 0, members }
    })
    return JSON.stringify({ ...query, totals: false, ranks: [], series })
  }, [])
  const { answer, problem } = useAnswer<ViewAnswer>(
    question === null ? null : '/api/v1/view?sql=1',
    question ?? undefined,
  )
  const text = answer?.sql?.map((part) => `-- ${part.part}\n${part.text};`).join('\n\n') ?? ''
  return (
    <Window kind="sql" title={`SQL of ${title}`}>
      {problem !== '' && <p role="alert">{problem}</p>}
      <pre class="code" tabIndex={0} aria-label="SQL">
        {answer === null ? 'Looking' : text}
      </pre>
      <p class="sub">
        psql shows the same numbers with it, as long as the epoch is the same.{' '}
        <button type="button" class="quiet" onClick={() => copyText(text, 'SQL')}>
          copy
        </button>
      </p>
    </Window>
  )
}
