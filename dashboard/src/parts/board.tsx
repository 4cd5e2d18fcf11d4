import type { VNode } from 'preact'
import type { PageMeasure } from '../../../src/pipeline/page.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { formatCount, formatShare, formatShort, NOTHING } from '../format/numbers.ts'
import { isNothing } from '../model/finality.ts'
import { amountOf, hasFew, measureChange, measureNumber, measureText } from '../model/measures.ts'
import { filterModeOf, toggleMember } from '../model/page-state.ts'
import type { BoardColumns, BoardModel, BoardModelRow } from '../model/screen.ts'
import { overlay } from '../state/overlay.ts'
import { go, view } from '../state/view-state.ts'
import { BoardHead } from './board-head.tsx'
import { Name } from './name.tsx'

const NOT_FINAL = 'Not final: late events and late clicks may still change it'

/**
 * Members of a dimension in order. The bar behind a name is its part of the largest; hatched, it may still change; a
 * swatch names its colour in the charts. A row is a filter where the tables answer.
 */
export function Board({ board, canFilter }: { board: BoardModel; canFilter: boolean }): VNode {
  const { plan, columns, rows, memberCount, others } = board
  const { name, label } = plan.dimension
  const largest = Math.max(Number.MIN_VALUE, ...rows.map(({ last }) => barValue(columns, last)))
  const hidden = memberCount - rows.length
  return (
    <section
      class={`board ${board.isCharted ? 'is-charted' : ''}`}
      aria-labelledby={`board-${name}`}
      data-dimension={name}
    >
      <table onKeyDown={canFilter ? moveFocus : undefined}>
        <caption class="hidden" id={`board-${name}`}>
          {label}
        </caption>
        <BoardHead board={board} canSort={canFilter} />
        <tbody>
          {rows.map((row) => (
            <MemberRow key={row.name} board={board} row={row} largest={largest} canFilter={canFilter} />
          ))}
          {others !== undefined && hidden > 0 && (
            <OthersRow board={board} others={others} text={board.isCapped ? 'others' : `${formatCount(hidden)} more`} />
          )}
          {rows.length === 0 && (
            <tr>
              <td class="empty-row" colSpan={4}>
                {canFilter ? (isNothing(board.whole) ? '' : 'No name like this') : 'No events yet'}
              </td>
            </tr>
          )}
        </tbody>
      </table>
      {canFilter && hidden > 0 && (
        <button type="button" class="quiet all" onClick={() => (overlay.value = { kind: 'members', dimension: name })}>
          view all {formatCount(memberCount)}
          <span class="hidden"> of {label}</span>
        </button>
      )}
    </section>
  )
}

/** Up and down go from row to row, as in a list. */
function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('.member-button')]
  const at = buttons.indexOf(document.activeElement as HTMLElement)
  if (at < 0) return
  event.preventDefault()
  buttons[event.key === 'ArrowDown' ? at + 1 : at - 1]?.focus()
}

interface MemberProps {
  readonly board: BoardModel
  readonly row: BoardModelRow
  readonly largest: number
  readonly canFilter: boolean
}

function MemberRow({ board, row, largest, canFilter }: MemberProps): VNode {
  const { columns, whole } = board
  const width = Math.max(0, (100 * barValue(columns, row.last)) / largest)
  const change = measureChange(columns.changeOf, row.complete, row.before)
  const isAtLeast = row.isAtLeast === true
  const state = view.value
  const mode = state === null || !canFilter ? null : filterModeOf(state, board.plan.dimension.name, row.name)
  return (
    <tr class={`${isThin(columns, row.last) ? 'is-thin' : ''} ${mode === null ? '' : `is-${mode}d`}`}>
      <th scope="row" class="member" title={row.isFinal === false ? NOT_FINAL : undefined}>
        <i class={`fill ${row.isFinal === false ? 'is-provisional' : ''}`} style={{ width: `${width}%` }} />
        <MemberName board={board} row={row} canFilter={canFilter} mode={mode} />
      </th>
      <td class="n" title={isAtLeast ? 'At least: earlier minutes of this row were given up' : undefined}>
        {isAtLeast ? '≥ ' : ''}
        {shortValue(columns.value, row.last)}
      </td>
      <td class="n">{secondText(columns, row.last, whole)}</td>
      <td class={`n ${change?.tone ?? 'none'}`}>{change?.text ?? NOTHING}</td>
    </tr>
  )
}

function MemberName(props: Omit<MemberProps, 'largest'> & { mode: 'include' | 'exclude' | null }): VNode {
  const { board, row, canFilter, mode } = props
  const swatch = <i class={row.slot === undefined ? 'swatch' : `swatch slot-${row.slot}`} />
  const provisional = row.isFinal === false && <span class="hidden"> (not final)</span>
  if (!canFilter) {
    return (
      <span class="member-name">
        {swatch}
        <Name text={row.name} />
        {provisional}
      </span>
    )
  }
  const dimension = board.plan.dimension.name
  return (
    <button
      type="button"
      class="member-name member-button"
      aria-pressed={mode !== null}
      onClick={(event) =>
        go((state) => toggleMember(state, dimension, row.name, mode ?? (event.altKey ? 'exclude' : 'include')))
      }
      onKeyDown={(event) => {
        // Alt and Enter do not click by themselves in every browser.
        if (event.key !== 'Enter' || !event.altKey) return
        event.preventDefault()
        go((state) => toggleMember(state, dimension, row.name, mode ?? 'exclude'))
      }}
    >
      {swatch}
      <Name text={row.name} />
      {mode === 'exclude' && <span class="hidden">, left out</span>}
      {provisional}
    </button>
  )
}

function OthersRow({ board, others, text }: { board: BoardModel; others: Values; text: string }): VNode {
  return (
    <tr class="is-others">
      <th scope="row" class="member">
        <span class="member-name">
          <i class="swatch" />
          {text}
        </span>
      </th>
      <td class="n">{shortValue(board.columns.value, others)}</td>
      <td class="n">{secondText(board.columns, others, board.whole)}</td>
      <td class="n" />
    </tr>
  )
}

function barValue({ value }: BoardColumns, values: Values): number {
  return Number(amountOf(values, value.quantity))
}

/** Counts in full as long as their column holds them. */
export function shortValue(value: BoardColumns['value'], values: Values): string {
  const amount = measureNumber(value, values) ?? 0
  return amount < 1e7 ? measureText(value, values) : formatShort(amount)
}

/** A ratio, or the share of the whole. */
export function secondText({ value, second }: BoardColumns, values: Values, whole: Values): string {
  if (second !== 'share') return measureText(second, values)
  const share = shareOf(value, values, whole)
  return share === null ? NOTHING : formatShare(share, 1)
}

/** A member's share of all members together; null of nothing. */
export function shareOf(value: PageMeasure, values: Values, whole: Values): number | null {
  const all = measureNumber(value, whole)
  const own = measureNumber(value, values)
  return all === null || all === 0 || own === null ? null : own / all
}

function isThin({ second }: BoardColumns, values: Values): boolean {
  return second !== 'share' && hasFew(second, values)
}
