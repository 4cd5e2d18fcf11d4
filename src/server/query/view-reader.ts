/**
 * Answers views from PostgreSQL: each from one snapshot, with the epoch and the watermark that belong to it.
 */
import type { Plan } from '../../pipeline/plan.ts'
import { allTables } from '../../pipeline/table-text.ts'
import { answerView } from '../../query/answer-view.ts'
import type { ViewAnswer } from '../../query/view-answer.ts'
import type { ViewFilter, ViewQuery } from '../../query/view-query.ts'
import { ReaderPool, type Snapshot } from './reader-pool.ts'
import { readTableState } from './table-state.ts'

export interface ViewReaderOptions {
  readonly plan: Plan
  /** Connects as any user who may read the tables. */
  readonly url: string
  readonly connections?: number
  readonly statementTimeoutMs?: number
  readonly nowMs?: () => number
}

export interface AskOptions {
  /** Filters that hold whatever is asked for: what the asker may see. */
  readonly forced?: readonly ViewFilter[]
  /** Whether the answer says what psql would run. */
  readonly withSql?: boolean
}

export class ViewReader {
  readonly plan: Plan
  readonly #pool: ReaderPool
  readonly #nowMs: () => number

  constructor(options: ViewReaderOptions) {
    this.plan = options.plan
    this.#nowMs = options.nowMs ?? (() => Date.now())
    this.#pool = new ReaderPool({ ...options, tables: allTables(options.plan).map(({ name }) => name) })
  }

  /**
   * Answers a checked query.
   *
   * @throws TidemarkError VIEW_UNANSWERABLE, VIEW_INVALID, VIEW_TIMEOUT, DATABASE_UNAVAILABLE, DATABASE_BUSY
   */
  async answer(query: ViewQuery, { forced = [], withSql = false }: AskOptions = {}): Promise<ViewAnswer> {
    const sql: { part: string; text: string }[] = []
    const answer = await this.read(async (snapshot) =>
      answerView({
        plan: this.plan,
        query,
        forced,
        state: await readTableState(snapshot, this.plan),
        nowMs: this.#nowMs(),
        run: (part, text) => {
          sql.push({ part, text })
          return snapshot.rows(text)
        },
      }),
    )
    return withSql ? { ...answer, sql } : answer
  }

  /** Does `work` within one snapshot of the tables. */
  async read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    return this.#pool.read(work)
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }
}
