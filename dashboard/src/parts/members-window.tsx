import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { messageOf } from '../../../src/errors.ts'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { RankedMember } from '../../../src/query/view-answer.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { formatCount, NOTHING } from '../format/numbers.ts'
import { allMembers, useMemberList } from '../live/member-list.ts'
import { downloadText } from '../live/take-away.ts'
import { columnsOf } from '../model/answer-board.ts'
import { valuesReader } from '../model/answer-values.ts'
import { membersExport, toCsv } from '../model/export.ts'
import { measureChange } from '../model/measures.ts'
import { filterModeOf, orderInWords, toggleMember, type PageState } from '../model/page-state.ts'
import type { BoardColumns } from '../model/screen.ts'
import { say } from '../state/overlay.ts'
import { go, view } from '../state/view-state.ts'
import { secondText, shortValue } from './board.tsx'
import { ValueHeads } from './board-head.tsx'
import { Name } from './name.tsx'
import { Window } from './window.tsx'

const ROW_PX = 30
/** Rows drawn above and below those that are seen. */
const MARGIN_ROWS = 8

/**
 * All members of a dimension: only the rows that are seen are drawn, and only the pages that are seen are asked for.
 */
export function MembersWindow({ page, dimension }: { page: PagePlan; dimension: string }): VNode | null {
  const text = useSignal('')
  const state = view.value
  const { list, question, want } = useMemberList(page, state, dimension, text.value)
  const label = page.boards.find((board) => board.dimension.name === dimension)?.dimension.label ?? dimension
  if (state === null) return null
  const count = list?.members.length ?? 0
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
          {list === null ? 'Looking' : `${formatCount(count)}, ${orderInWords(page, state.order)} first`}
        </p>
        <button
          type="button"
          class="quiet"
          onClick={() => void downloadMembers({ page, state, dimension, search: text.value })}
        >
          download CSV
        </button>
      </div>
      <MemberRows
        key={question}
        label={label}
        dimension={dimension}
        members={list?.members ?? []}
        want={want}
        whole={valuesReader(page)(list?.whole ?? null) ?? []}
        page={page}
        state={state}
      />
    </Window>
  )
}

async function downloadMembers(asked: Parameters<typeof allMembers>[0]): Promise<void> {
  try {
    const table = membersExport(asked.page, asked.dimension, await allMembers(asked))
    downloadText(toCsv(table), `${asked.dimension}.csv`, 'text/csv')
  } catch (error) {
    say(messageOf(error))
  }
}

interface RowsProps {
  readonly label: string
  readonly dimension: string
  readonly members: readonly (RankedMember | undefined)[]
  readonly want: (row: number) => void
  readonly whole: Values
  readonly page: PagePlan
  readonly state: PageState
}

/** The rows that are seen, between two that are as high as all others together. */
function MemberRows(props: RowsProps): VNode {
  const { label, dimension, members, want, whole, page, state } = props
  const top = useSignal(0)
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - MARGIN_ROWS)
  const shown = members.slice(first, first + 2 * MARGIN_ROWS + 20)
  const missing = shown.findIndex((member) => member === undefined)
  useEffect(() => {
    if (missing >= 0) want(first + missing)
  }, [first + missing, members.length])
  const columns = columnsOf(page, state)
  return (
    <div
      class="scroll"
      tabIndex={0}
      role="region"
      aria-label={`${label}, all members`}
      onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={members.length + 1}>
        <MembersHead label={label} columns={columns} />
        <tbody>
          <Spacer rows={first} />
          {shown.map((member, index) => (
            <MemberRow
              key={first + index}
              rowIndex={first + index + 2}
              member={member}
              dimension={dimension}
              columns={columns}
              whole={whole}
              page={page}
              state={state}
            />
          ))}
          <Spacer rows={Math.max(0, members.length - first - shown.length)} />
        </tbody>
      </table>
    </div>
  )
}

function Spacer({ rows }: { rows: number }): VNode {
  return <tr aria-hidden="true" style={{ height: `${rows * ROW_PX}px` }} />
}

function MembersHead({ label, columns }: { label: string; columns: BoardColumns }): VNode {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col">{label}</th>
        <ValueHeads columns={columns} canSort />
      </tr>
    </thead>
  )
}

interface RowProps extends Pick<RowsProps, 'dimension' | 'whole' | 'page' | 'state'> {
  readonly rowIndex: number
  /** Undefined while its page is on its way. */
  readonly member: RankedMember | undefined
  readonly columns: BoardColumns
}

function MemberRow({ rowIndex, member, dimension, columns, whole, page, state }: RowProps): VNode {
  const row = { 'aria-rowindex': rowIndex, style: { height: `${ROW_PX}px` } }
  if (member === undefined) return <tr class="row" {...row} />
  const values = valuesReader(page)
  const last = values(member.value) ?? []
  const complete = member.complete === undefined ? last : values(member.complete)
  const change = measureChange(columns.changeOf, complete, values(member.compared))
  const mode = filterModeOf(state, dimension, member.name)
  return (
    <tr class={`row ${mode === null ? '' : `is-${mode}d`}`} {...row}>
      <th scope="row">
        <button
          type="button"
          class="member-name member-button"
          aria-pressed={mode !== null}
          onClick={({ altKey }) =>
            go((now) => toggleMember(now, dimension, member.name, mode ?? (altKey ? 'exclude' : 'include')))
          }
        >
          <Name text={member.name} />
          {!member.isFinal && <span class="hidden"> (not final)</span>}
        </button>
      </th>
      <td class="n">{shortValue(columns.value, last)}</td>
      <td class="n">{secondText(columns, last, whole)}</td>
      <td class={`n ${change?.tone ?? 'none'}`}>{change?.text ?? NOTHING}</td>
    </tr>
  )
}
