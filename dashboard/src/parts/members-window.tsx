import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { RankedMember, ViewAnswer } from '../../../src/query/view-answer.ts'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { formatCount, NOTHING } from '../format/numbers.ts'
import { fetchAnswer } from '../live/refused.ts'
import { columnsOf, memberQuery, valuesReader } from '../model/answer-screen.ts'
import { measureChange } from '../model/measures.ts'
import { filterModeOf, orderInWords, toggleMember } from '../model/page-state.ts'
import { go, view } from '../state/view-state.ts'
import { secondText, shortValue } from './board.tsx'
import { Name } from './name.tsx'
import { Window } from './window.tsx'

const ROW_PX = 30
const PAGE_ROWS = 500
/** Rows drawn above and below those that are seen. */
const MARGIN_ROWS = 8

interface Listed {
  readonly members: readonly (RankedMember | undefined)[]
  readonly whole: ViewAnswer['ranks'][number]['whole']
}

/** All members of a dimension: only the rows that are seen are drawn, and only the pages that are seen are asked for. */
export function MembersWindow({ page, dimension }: { page: PagePlan; dimension: string }): VNode | null {
  const text = useSignal('')
  const listed = useSignal<Listed | null>(null)
  const top = useSignal(0)
  const asked = useRef(new Set<number>())
  const state = view.value
  const label = page.boards.find((board) => board.dimension.name === dimension)?.dimension.label ?? dimension
  const question = state === null ? '' : JSON.stringify([state, text.value])
  useEffect(() => {
    asked.current = new Set()
    listed.value = null
    top.value = 0
    const own = new AbortController()
    const timer = setTimeout(() => void load(0, own.signal), text.value === '' ? 0 : 150)
    return () => {
      clearTimeout(timer)
      own.abort()
    }
  }, [question])
  const load = async (offset: number, signal?: AbortSignal): Promise<void> => {
    if (state === null || asked.current.has(offset)) return
    asked.current.add(offset)
    const query = memberQuery(state, { dimension, search: text.value, offset, limit: PAGE_ROWS })
    const answer = (await fetchAnswer('/api/v1/view', JSON.stringify(query), signal).catch(
      () => null,
    )) as ViewAnswer | null
    const rank = answer?.ranks[0]
    if (rank === undefined || signal?.aborted === true) return
    const members = listed.peek()?.members.slice() ?? new Array<undefined>(rank.memberCount).fill(undefined)
    rank.members.forEach((member, index) => (members[offset + index] = member))
    listed.value = { members, whole: rank.whole }
  }
  if (state === null) return null
  const members = listed.value?.members ?? []
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - MARGIN_ROWS)
  const shown = members.slice(first, first + 2 * MARGIN_ROWS + 20)
  const missing = shown.findIndex((member) => member === undefined)
  if (missing >= 0 && listed.value !== null) void load(Math.floor((first + missing) / PAGE_ROWS) * PAGE_ROWS)
  const columns = columnsOf(page, state)
  const values = valuesReader(page)
  return (
    <Window kind="members" title={`${label}: all`}>
      <div class="board-tools">
        <input
          type="search"
          placeholder="Search"
          aria-label={`Search ${label}`}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <p class="sub" role="status">
          {listed.value === null
            ? 'Looking'
            : `${formatCount(members.length)}, ${orderInWords(page, state.order)} first`}
        </p>
      </div>
      <div
        class="scroll"
        tabIndex={0}
        role="region"
        aria-label={`${label}, all members`}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
      >
        <table aria-rowcount={members.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">{label}</th>
              <th scope="col" class="n">
                {columns.value.label}
              </th>
              <th scope="col" class="n">
                {columns.second === 'share' ? 'Share' : columns.second.label}
              </th>
              <th scope="col" class="n">
                Change
              </th>
            </tr>
          </thead>
          <tbody>
            <tr aria-hidden="true" style={{ height: `${first * ROW_PX}px` }} />
            {shown.map((member, index) => {
              const mode = member === undefined ? null : filterModeOf(state, dimension, member.name)
              const last = member === undefined ? undefined : values(member.value)
              const before = member === undefined ? undefined : values(member.compared)
              const complete = member?.complete === undefined ? last : values(member.complete)
              const change = measureChange(columns.changeOf, complete, before)
              return (
                <tr
                  key={first + index}
                  class={`row ${mode === null ? '' : `is-${mode}d`}`}
                  aria-rowindex={first + index + 2}
                  style={{ height: `${ROW_PX}px` }}
                >
                  <th scope="row">
                    {member !== undefined && (
                      <button
                        type="button"
                        class="member-name member-button"
                        aria-pressed={mode !== null}
                        onClick={(event) =>
                          go((now) =>
                            toggleMember(now, dimension, member.name, mode ?? (event.altKey ? 'exclude' : 'include')),
                          )
                        }
                      >
                        <Name text={member.name} />
                        {!member.isFinal && <span class="hidden"> (not final)</span>}
                      </button>
                    )}
                  </th>
                  <td class="n">{last === undefined ? '' : shortValue(columns.value, last)}</td>
                  <td class="n">
                    {last === undefined ? '' : secondText(columns, last, values(listed.value?.whole ?? null) ?? [])}
                  </td>
                  <td class={`n ${change?.tone ?? 'none'}`}>{change?.text ?? NOTHING}</td>
                </tr>
              )
            })}
            <tr
              aria-hidden="true"
              style={{ height: `${Math.max(0, members.length - first - shown.length) * ROW_PX}px` }}
            />
          </tbody>
        </table>
      </div>
    </Window>
  )
}
