import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { whyNot } from '../model/answerable.ts'
import { measureOf, orderInWords, ordersOf } from '../model/page-state.ts'
import { mayAsk } from '../live/answers.ts'
import type { Screen } from '../model/screen.ts'
import { focusFirstHit } from '../state/keys.ts'
import { go, search, searchFor, view } from '../state/view-state.ts'
import { Board } from './board.tsx'
import { PickList } from './pick-list.tsx'

/** The leaderboards, with one search and one order for all of them. */
export function Boards({ page, screen }: { page: PagePlan; screen: Screen }): VNode {
  const canFilter = mayAsk.value
  return (
    <div class="boards">
      {canFilter && <BoardTools page={page} />}
      {page.boards.map(({ dimension }) => {
        const board = screen.boards.find(({ plan }) => plan.dimension.name === dimension.name)
        const reason = view.value === null ? undefined : whyNot(page, view.value, dimension.name)
        if (board !== undefined) return <Board key={dimension.name} board={board} canFilter={canFilter} />
        return reason === undefined ? null : (
          <section key={dimension.name} class="board is-refused" aria-label={dimension.label}>
            <h2>{dimension.label}</h2>
            <p class="sub">{reason}</p>
          </section>
        )
      })}
    </div>
  )
}

function BoardTools({ page }: { page: PagePlan }): VNode | null {
  const state = view.value
  if (state === null) return null
  const orders = ordersOf(measureOf(page, state))
  const now = JSON.stringify(state.order)
  const isKnown = orders.some((order) => JSON.stringify(order) === now)
  const shown = isKnown ? orders : [...orders, state.order]
  return (
    <div class="board-tools">
      <input
        id="search"
        type="search"
        placeholder="Search  /"
        aria-label="Search the leaderboards"
        autocomplete="off"
        value={search.value}
        onInput={(event) => searchFor(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' && event.key !== 'ArrowDown') return
          event.preventDefault()
          focusFirstHit()
        }}
      />
      <PickList
        label="Order of the leaderboards"
        title="Order of the leaderboards (s)"
        value={now}
        options={shown.map((order) => ({ value: JSON.stringify(order), text: orderInWords(page, order) }))}
        onPick={(text) => {
          const order = shown.find((one) => JSON.stringify(one) === text)
          if (order !== undefined) go((before) => ({ ...before, order }))
        }}
      />
    </div>
  )
}
