/**
 * A leaderboard of an answer.
 */
import type { BoardPlan, PagePlan, QuantityMeasure } from '../../../src/pipeline/page.ts'
import type { RankAnswer } from '../../../src/query/view-answer.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { isKept, measuresKept } from './answerable.ts'
import { sumOf, valuesReader, type ReadValues } from './answer-values.ts'
import type { ChartModel } from './chart-model.ts'
import { measureOf, type PageState } from './page-state.ts'
import type { BoardColumns, BoardModel, BoardModelRow } from './screen.ts'
import { keepMembers, type Memory } from './slots.ts'
import { BOARD_ROWS } from './view-question.ts'

/** Rows of a leaderboard that are there however small they are. */
const FIRST_ROWS = 6
const MIN_ROW_THOUSANDTHS = 1

/** The columns of leaderboards for a measure. */
export function columnsOf(page: PagePlan, state: Pick<PageState, 'measure'>): BoardColumns {
  const measure = measureOf(page, state)
  const [board] = page.boards
  const usual: QuantityMeasure = board?.value ?? {
    kind: 'count',
    name: 'impressions',
    label: 'Impressions',
    quantity: 0,
  }
  const kept = measuresKept(page).find((one) => one.kind !== 'ratio')
  const size = isKept(page, usual.name) ? usual : (kept ?? usual)
  if (measure.kind === 'ratio') return { value: size, second: measure, changeOf: measure }
  return { value: measure, second: 'share', changeOf: measure }
}

interface BoardContext {
  readonly page: PagePlan
  readonly state: PageState
  readonly plan: BoardPlan
  readonly charts: readonly ChartModel[]
  readonly memory: Memory
}

/** `charts` are those beside it, whose colours its rows have. */
export function answerBoard(
  { page, state, plan, charts, memory }: BoardContext,
  { members, memberCount, rest, whole }: RankAnswer,
): BoardModel {
  const values = valuesReader(page)
  const own = charts.filter((chart) => chart.plan.dimension?.name === plan.dimension.name)
  const slots = slotsOf(own)
  const all = members.map((member) => boardRow(member, values, slots.get(member.name)))
  const ranked = all.map(({ name }) => name)
  const kept = keepMembers(memory, `board ${plan.dimension.name}`, state, ranked, BOARD_ROWS)
  const rows = worthARow(
    all.filter(({ name }) => kept.has(name)),
    state,
    values(whole) ?? [],
  )
  const left = all.filter((row) => !rows.includes(row))
  const others = sumOf([...left.map(({ last }) => last), values(rest) ?? []])
  return {
    plan,
    columns: columnsOf(page, state),
    isCharted: own.length > 0,
    memberCount,
    isCapped: false,
    whole: values(whole) ?? [],
    others,
    rows,
  }
}

/** Two charts of a dimension may give one colour to two members: the first chart's holds. */
function slotsOf(charts: readonly ChartModel[]): ReadonlyMap<string, number> {
  const slots = new Map<string, number>()
  for (const { name, slot, isOthers } of charts.flatMap(({ series }) => series)) {
    if (!isOthers && !slots.has(name) && ![...slots.values()].includes(slot)) slots.set(name, slot)
  }
  return slots
}

function boardRow(
  { name, value, compared, complete, isFinal }: RankAnswer['members'][number],
  values: ReadValues,
  slot: number | undefined,
): BoardModelRow {
  const before = values(compared)
  return {
    name,
    last: values(value) ?? [],
    isFinal,
    ...(slot === undefined ? {} : { slot }),
    ...(before === undefined ? {} : { complete: values(complete ?? value) ?? [], before }),
  }
}

/** In an order by size, rows after the first have at least a thousandth of all, or they are among the others. */
function worthARow(rows: readonly BoardModelRow[], { order }: PageState, whole: Values): readonly BoardModelRow[] {
  if (order.of === 'change' || order.direction === 'asc') return rows
  const isWorth = ({ last }: BoardModelRow): boolean =>
    Number(last[0] ?? 0) * 1_000 >= MIN_ROW_THOUSANDTHS * Number(whole[0] ?? 0)
  const count = rows.findLastIndex(isWorth) + 1
  return rows.slice(0, Math.max(count, FIRST_ROWS))
}
