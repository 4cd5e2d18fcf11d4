import type { VNode } from 'preact'
import type { Order } from '../../../src/query/view-query.ts'
import { formatCount } from '../format/numbers.ts'
import type { BoardColumns, BoardModel } from '../model/screen.ts'
import { go, view } from '../state/view-state.ts'

/** The columns of a leaderboard; where it can be sorted, a click on one does, and another turns it round. */
export function BoardHead({ board, canSort }: { board: BoardModel; canSort: boolean }): VNode {
  const { plan, columns, memberCount, isCapped } = board
  const count = isCapped ? `more than ${formatCount(memberCount)}` : formatCount(memberCount)
  return (
    <thead>
      <tr>
        <th scope="col" class="title">
          <span>{plan.dimension.label}</span> <span class="sub">{count}</span>
        </th>
        <ValueHeads columns={columns} canSort={canSort} />
      </tr>
    </thead>
  )
}

/** The heads of the columns of numbers. */
export function ValueHeads({ columns, canSort }: { columns: BoardColumns; canSort: boolean }): VNode {
  const { value, second, changeOf } = columns
  const column = (label: string, by: string, of: Order['of'], title: string): VNode => (
    <Column key={`${by} ${of}`} label={label} order={{ by, of, direction: 'desc' }} title={title} canSort={canSort} />
  )
  return (
    <>
      {column(value.label, value.name, 'value', value.label)}
      {second === 'share'
        ? column('Share', value.name, 'share', `Share of all ${value.label}`)
        : column(second.label, second.name, 'value', second.label)}
      {column(
        changeOf.name === value.name ? 'Δ' : `Δ ${changeOf.label}`,
        changeOf.name,
        'change',
        `Change of ${changeOf.label} to the time before`,
      )}
    </>
  )
}

function Column(props: { label: string; order: Order; title: string; canSort: boolean }): VNode {
  const { label, order, title, canSort } = props
  const now = view.value?.order
  const isOwn = canSort && now !== undefined && now.by === order.by && now.of === order.of
  const text = order.of === 'change' ? <abbr title={title}>{label}</abbr> : label
  if (!canSort) {
    return (
      <th scope="col" class="n">
        {text}
      </th>
    )
  }
  const isDown = now?.direction === 'desc'
  // The first look at changes is at what fell.
  const first = order.of === 'change' ? 'asc' : 'desc'
  const next = isOwn ? (isDown ? 'asc' : 'desc') : first
  return (
    <th scope="col" class="n" aria-sort={isOwn ? (isDown ? 'descending' : 'ascending') : undefined}>
      <button
        type="button"
        class="sort"
        title={`${title}: sort (s)`}
        onClick={() => go((state) => ({ ...state, order: { ...order, direction: next } }))}
      >
        {label}
        <span class="arrow" aria-hidden="true">
          {isOwn ? (isDown ? '↓' : '↑') : ''}
        </span>
        {order.of === 'change' && <span class="hidden"> change</span>}
      </button>
    </th>
  )
}
