/**
 * Answers a view: which statements are run, in which order, and what is made of their rows. Whoever calls it gives the
 * way to run a statement; all of them belong to one snapshot.
 *
 * A1  Everything in an answer is of the snapshot, the epoch and the watermark included.
 * A2  A part's rows add up to the whole: the rest is the whole less the members shown.
 * A3  `forced` filters hold in every part, whatever the query asks for.
 * A4  No statement is run twice: a chart and a leaderboard of the same members in the same order share one.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import type { Source } from './source-parts.ts'
import { bucketEnd, bucketsOf, type Buckets } from './buckets.ts'
import { keptAmounts, type KeptAmounts } from '../pipeline/table-amounts.ts'
import { RowAmounts, type AmountRow, type SqlRow } from './row-amounts.ts'
import type { AsOf, RankAnswer, SeriesAnswer, Span, TotalsAnswer, ViewAnswer } from './view-answer.ts'
import { viewMeasures, type ViewMeasure } from './view-measures.ts'
import type { Order, RankPart, SeriesPart, ViewFilter, ViewQuery } from './view-query.ts'
import { comparisonSpan, finalUpTo, newestEnd, newestOfAxis, rangeSpan, type TableState } from './view-span.ts'
import { ViewSources } from './view-source.ts'
import { bucketStatement, rankStatement, type Period } from './view-sql.ts'

/** Runs a statement in the snapshot. */
export type RunSql = (part: string, text: string) => Promise<readonly SqlRow[]>

export interface AnswerOptions {
  readonly plan: Plan
  readonly query: ViewQuery
  /** Filters that hold whatever is asked for. */
  readonly forced?: readonly ViewFilter[]
  readonly run: RunSql
  readonly state: TableState
  readonly nowMs: number
}

/**
 * Answers a checked query.
 *
 * @throws TidemarkError VIEW_UNANSWERABLE, VIEW_INVALID for a grain too fine; what `run` throws
 */
export async function answerView(options: AnswerOptions): Promise<ViewAnswer> {
  return new Answering(options).answer()
}

class Answering {
  readonly #plan: Plan
  readonly #query: ViewQuery
  readonly #forced: readonly ViewFilter[]
  readonly #options: AnswerOptions
  readonly #kept: KeptAmounts
  readonly #amounts: RowAmounts
  readonly #sources: ViewSources
  readonly #known = new Map<string, Promise<readonly SqlRow[]>>()

  constructor(options: AnswerOptions) {
    this.#options = options
    this.#plan = options.plan
    this.#query = options.query
    this.#forced = options.forced ?? []
    this.#kept = keptAmounts(options.plan)
    this.#amounts = new RowAmounts(this.#kept)
    this.#sources = new ViewSources(options.plan, options.state)
  }

  async answer(): Promise<ViewAnswer> {
    const { query } = this
    const whole = this.#source(query.axis, [])
    const newestEndMs = await this.#newestEnd(query.axis)
    const range = rangeSpan(this.#plan, query.range, newestEndMs, this.#options.nowMs)
    const buckets = bucketsOf(range, query.grain, query.zone, this.#plan.parameters.windowSizeMs)
    const comparison = comparisonSpan(query, range)
    const periods: Period[] = [{ span: range, shiftMs: 0 }]
    if (comparison !== null) periods.push({ span: comparison, shiftMs: range.startMs - comparison.startMs })
    const finalUpToMs = finalUpTo(this.#plan, this.#options.state, newestEndMs)
    const rankPeriods = wholePeriods(periods, this.#fillingFromMs)
    const scene: Scene = { range, buckets, periods, rankPeriods, finalUpToMs }
    const totals = await this.#run('totals', bucketStatement(whole, this.#kept, periods, buckets))
    const series: SeriesAnswer[] = []
    for (const part of query.series) series.push(await this.#series(part, scene))
    const ranks: RankAnswer[] = []
    for (const part of query.ranks) ranks.push(await this.#rank(part, scene))
    return {
      asOf: this.#asOf(totals, finalUpToMs),
      range,
      comparison,
      grain: buckets.grain,
      buckets: buckets.startsMs,
      totals: query.totals ? this.#totals(totals, scene) : null,
      series,
      ranks,
    }
  }

  private get query(): ViewQuery {
    return this.#query
  }

  /** Start of the earliest window that is not all read; Infinity where all are, or nothing is known of it. */
  get #fillingFromMs(): number {
    const { watermarkMs } = this.#options.state
    const { windowSizeMs } = this.#plan.parameters
    return watermarkMs === null || !Number.isFinite(watermarkMs)
      ? Infinity
      : Math.floor(watermarkMs / windowSizeMs) * windowSizeMs
  }

  #run(part: string, text: string): Promise<readonly SqlRow[]> {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const rows = this.#options.run(part, text)
    this.#known.set(text, rows)
    return rows
  }

  #source(axis: TimeAxis, shown: readonly string[], ignored?: string): Source {
    const asked = this.#query.filters.filter(({ dimension }) => dimension !== ignored)
    return this.#sources.source(axis, shown, [...asked, ...this.#forced])
  }

  async #newestEnd(axis: TimeAxis): Promise<number | null> {
    const text = newestOfAxis(this.#plan, axis)
    return text === undefined ? null : newestEnd(this.#plan, (await this.#run('newest window', text))[0])
  }

  #asOf(totals: readonly SqlRow[], finalUpToMs: number | null): AsOf {
    const { state, nowMs } = this.#options
    const { counted, final } = this.#amounts.finality(totals, this.#query.axis)
    const { watermarkMs } = state
    return {
      epoch: state.epoch,
      watermarkMs: watermarkMs !== null && Number.isFinite(watermarkMs) ? watermarkMs : null,
      finalUpToMs,
      provisionalShare: counted === 0 ? 0 : (counted - final) / counted,
      answeredAtMs: nowMs,
    }
  }

  #totals(rows: readonly SqlRow[], { buckets, periods }: Scene): TotalsAnswer {
    const byPeriod = periods.map((_, period) => this.#amounts.byBucket(rows, period, buckets.startsMs.length))
    const [now = [], before] = byPeriod.map((row) => this.#amounts.add(row))
    const [sparkline = [], comparedSparkline = null] = byPeriod.map((row) =>
      row.map((amounts) => this.#amounts.shown(amounts)),
    )
    return {
      value: this.#amounts.amounts(now),
      compared: before === undefined ? null : this.#amounts.amounts(before),
      sparkline,
      comparedSparkline,
    }
  }

  async #series(part: SeriesPart, scene: Scene): Promise<SeriesAnswer> {
    const { periods, buckets } = scene
    const dimensions = part.split === null ? [] : [part.split]
    const source = this.#source(part.axis, dimensions)
    // Tables that are not written in one transaction do not add up with each other.
    const wholeSource = this.#options.state.epoch === null ? source : this.#source(part.axis, [])
    const wholeRows = await this.#run('series', bucketStatement(wholeSource, this.#kept, periods, buckets))
    const names = part.split === null ? [] : await this.#seriesMembers(part, part.split, source, scene)
    const memberRows =
      part.split === null || names.length === 0
        ? []
        : await this.#run(
            `series by ${part.split}`,
            bucketStatement(source, this.#kept, periods, buckets, { dimension: part.split, members: names }),
          )
    const drawn = periods.map((_, period) =>
      this.#amounts.drawn(wholeRows, memberRows, names, { period, bucketCount: buckets.startsMs.length }),
    )
    const hasRest = drawn.some(({ rest }) => rest.some((row) => this.#amounts.shown(row) !== null))
    const rowsOf = ({ members, rest }: (typeof drawn)[number]): readonly (readonly AmountRow[])[] =>
      hasRest || part.split === null ? [...members, rest] : members
    const shown = drawn.map((period) => rowsOf(period).map((row) => row.map((entry) => this.#amounts.shown(entry))))
    return {
      members: hasRest || part.split === null ? [...names, null] : names,
      rows: shown[0] ?? [],
      comparedRows: shown[1] ?? null,
      isFinal: this.#amounts.finalBuckets(wholeRows, buckets.startsMs.length, (index) =>
        isFinal(bucketEnd(buckets, index, scene.range), scene.finalUpToMs),
      ),
    }
  }

  async #seriesMembers(part: SeriesPart, split: string, source: Source, scene: Scene): Promise<readonly string[]> {
    if (part.members.length > 0) return part.members
    const shared = this.#rankOfSeries(part, split)
    const rank = shared ?? { dimension: split, limit: part.top, offset: 0, search: '' }
    const order = {
      order: part.orderBy,
      measure: this.#measure(part.orderBy),
      isAlone: shared === undefined,
    }
    const text = rankStatement(source, this.#kept, scene.rankPeriods, rank, order)
    const { members } = this.#amounts.ranked(await this.#run(`rank of ${split}`, text))
    return members.slice(0, part.top).map(({ name }) => name)
  }

  /** The leaderboard that begins with the members of a chart (A4), where there is one. */
  #rankOfSeries({ axis, top, orderBy: { by, of, direction } }: SeriesPart, split: string): RankPart | undefined {
    const { ranks, filters } = this.#query
    if (axis !== this.#query.axis) return undefined
    const isFiltered = filters.some(({ dimension }) => dimension === split)
    return ranks.find(
      ({ dimension, orderBy, limit, offset, search, ignoreOwnFilter }) =>
        dimension === split &&
        !(isFiltered && ignoreOwnFilter) &&
        limit >= top &&
        offset === 0 &&
        search === '' &&
        orderBy.by === by &&
        orderBy.of === of &&
        orderBy.direction === direction,
    )
  }

  async #rank(part: RankPart, { periods, rankPeriods, range, finalUpToMs }: Scene): Promise<RankAnswer> {
    const ignored = part.ignoreOwnFilter ? part.dimension : undefined
    const source = this.#source(this.#query.axis, [part.dimension], ignored)
    const order = { order: part.orderBy, measure: this.#measure(part.orderBy) }
    const text = rankStatement(source, this.#kept, rankPeriods, part, order)
    const ranked = this.#amounts.ranked(await this.#run(`rank of ${part.dimension}`, text))
    const rest = this.#amounts.less(
      ranked.whole,
      ranked.members.map(({ value }) => value),
    )
    return {
      members: ranked.members.map(({ name, value, compared, complete, areFinal }) => ({
        name,
        value: this.#amounts.amounts(value),
        compared: periods.length < 2 ? null : this.#amounts.amounts(compared),
        ...(complete === undefined ? {} : { complete: this.#amounts.amounts(complete) }),
        isFinal: areFinal ?? isFinal(range.endMs, finalUpToMs),
      })),
      memberCount: ranked.found,
      rest: this.#amounts.shown(rest),
      whole: this.#amounts.amounts(ranked.whole),
    }
  }

  #measure({ by }: Order): ViewMeasure {
    const measure = viewMeasures(this.#plan).find(({ name }) => name === by)
    if (measure === undefined) throw new RangeError(`there is no measure "${by}"`)
    return measure
  }
}

/** What all parts of one answer share. */
interface Scene {
  readonly range: Span
  readonly buckets: Buckets
  readonly periods: readonly Period[]
  /** The same, without what still fills: of both as far as the newest window that is all read, then the rest of both. */
  readonly rankPeriods: readonly Period[]
  readonly finalUpToMs: number | null
}

// What still fills is not held against what was whole: steady traffic would show as a fall.
function wholePeriods(periods: readonly Period[], fillingFromMs: number): readonly Period[] {
  const [now, compared] = periods
  if (now === undefined || compared === undefined) return periods
  const { startMs, endMs } = now.span
  if (fillingFromMs <= startMs || fillingFromMs >= endMs) return periods
  const lengthMs = fillingFromMs - startMs
  const split = ({ span, shiftMs }: Period): readonly [Period, Period] => [
    { span: { startMs: span.startMs, endMs: span.startMs + lengthMs }, shiftMs },
    { span: { startMs: span.startMs + lengthMs, endMs: span.endMs }, shiftMs },
  ]
  const [nowWhole, nowRest] = split(now)
  const [comparedWhole, comparedRest] = split(compared)
  return [nowWhole, comparedWhole, nowRest, comparedRest]
}

function isFinal(endMs: number, finalUpToMs: number | null): boolean {
  return finalUpToMs !== null && endMs <= finalUpToMs
}
