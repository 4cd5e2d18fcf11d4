import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { ViewAnswer } from '../../../src/query/view-answer.ts'
import { fetchAnswer } from '../live/refused.ts'
import { copyText } from '../live/take-away.ts'
import { viewQueryOf } from '../model/answer-screen.ts'
import { search, view } from '../state/view-state.ts'
import { Window } from './window.tsx'

/** What psql would run for the numbers of one chart. */
export function SqlWindow(props: { page: PagePlan; title: string; index: number }): VNode {
  const { page, title, index } = props
  const parts = useSignal<NonNullable<ViewAnswer['sql']> | null>(null)
  const problem = useSignal('')
  useEffect(() => {
    const state = view.peek()
    if (state === null) return
    const query = viewQueryOf(page, state, search.peek())
    const own = { ...query, totals: false, ranks: [], series: query.series.slice(index, index + 1) }
    fetchAnswer('/api/v1/view?sql=1', JSON.stringify(own)).then(
      (answer) => (parts.value = (answer as ViewAnswer).sql ?? []),
      (error: unknown) => (problem.value = error instanceof Error ? error.message : 'It cannot be had.'),
    )
  }, [])
  const text = parts.value?.map((part) => `-- ${part.part}\n${part.text};`).join('\n\n') ?? ''
  return (
    <Window kind="sql" title={`SQL of ${title}`}>
      {problem.value !== '' && <p role="alert">{problem.value}</p>}
      <pre class="code" tabIndex={0} aria-label="SQL">
        {parts.value === null ? 'Looking' : text}
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
