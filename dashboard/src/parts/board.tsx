import type { VNode } from 'preact'
import type { BoardPlan } from '../../../src/pipeline/page.ts'
import type { BoardData, BoardRow, Values } from '../../../src/server/page-data.ts'
import { formatCount, formatShort, NOTHING } from '../format/numbers.ts'
import { amountOf, hasFew, measureChange, measureText } from '../model/measures.ts'
import { Name } from './name.tsx'

/**
 * The largest members of a dimension, ranked. The bar behind a name is its part of the largest; a swatch names its
 * colour in the charts, where there are any.
 */
export function Board({ board, data, isCharted }: { board: BoardPlan; data: BoardData; isCharted: boolean }): VNode {
  const { label, name } = board.dimension
  const largest = Math.max(1, ...data.rows.map(({ last }) => Number(amountOf(last, board.value.quantity))))
  const count = data.isCapped ? `more than ${formatCount(data.memberCount)}` : formatCount(data.memberCount)
  const hidden = data.memberCount - data.rows.length
  return (
    <section class={`board ${isCharted ? 'is-charted' : ''}`} aria-labelledby={`board-${name}`} data-dimension={name}>
      <table>
        <caption class="hidden" id={`board-${name}`}>
          {label}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="title">
              <span>{label}</span> <span class="sub">{count}</span>
            </th>
            <th scope="col" class="n">
              {board.value.label}
            </th>
            {board.ratio !== null && (
              <th scope="col" class="n">
                {board.ratio.label}
              </th>
            )}
            <th scope="col" class="n">
              <abbr title="Change to the time before">Δ</abbr>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => (
            <MemberRow key={row.name} board={board} row={row} largest={largest} />
          ))}
          {data.others !== undefined && (
            <OthersRow
              board={board}
              others={data.others}
              label={data.isCapped ? 'others' : `${formatCount(hidden)} more`}
            />
          )}
          {data.rows.length === 0 && (
            <tr>
              <td class="empty-row" colSpan={4}>
                No events yet
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  )
}

function MemberRow({ board, row, largest }: { board: BoardPlan; row: BoardRow; largest: number }): VNode {
  const width = (100 * Number(amountOf(row.last, board.value.quantity))) / largest
  const change = measureChange(board.ratio ?? board.value, row.complete, row.before)
  const isAtLeast = row.isAtLeast === true
  return (
    <tr class={isThin(board, row.last) ? 'is-thin' : ''}>
      <th scope="row" class="member">
        <i class="fill" style={{ width: `${width}%` }} />
        <span class="member-name">
          <i class={row.slot === undefined ? 'swatch' : `swatch slot-${row.slot}`} />
          <Name text={row.name} />
        </span>
      </th>
      <td class="n" title={isAtLeast ? 'At least: earlier minutes of this row were given up' : undefined}>
        {isAtLeast ? '≥ ' : ''}
        {shortValue(board, row.last)}
      </td>
      {board.ratio !== null && <td class="n">{measureText(board.ratio, row.last)}</td>}
      <td class={`n ${change?.tone ?? 'none'}`}>{change?.text ?? NOTHING}</td>
    </tr>
  )
}

function OthersRow({ board, others, label }: { board: BoardPlan; others: Values; label: string }): VNode {
  return (
    <tr class="is-others">
      <th scope="row" class="member">
        <span class="member-name">
          <i class="swatch" />
          {label}
        </span>
      </th>
      <td class="n">{shortValue(board, others)}</td>
      {board.ratio !== null && <td class="n">{measureText(board.ratio, others)}</td>}
      <td class="n" />
    </tr>
  )
}

/** Counts in full as long as their column holds them. */
function shortValue({ value }: BoardPlan, values: Values): string {
  const amount = Number(amountOf(values, value.quantity))
  return amount < 1e7 ? measureText(value, values) : formatShort(amount)
}

function isThin({ ratio }: BoardPlan, values: Values): boolean {
  return ratio !== null && hasFew(ratio, values)
}
