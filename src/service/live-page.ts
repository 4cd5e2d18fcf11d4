/**
 * The page of a live pipeline: what it shows of the run, what it asks the tables, and who may look at it.
 *
 * G1  Nobody is told a password of a server that does not start for want of keys.
 * G2  A page begins with what PostgreSQL holds of the hours before: the engine remembers no window that is final.
 */
import { resolve } from 'node:path'
import type { Database } from '../database/open-database.ts'
import { readRollUps } from '../database/read-roll-ups.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { Plan, RollUp } from '../pipeline/plan.ts'
import type { PipelineStatus } from '../runtime/status.ts'
import { openAccess } from '../server/access/open-access.ts'
import type { HttpIngest } from '../server/ingest/http-ingest.ts'
import { LiveView } from '../server/live-view.ts'
import { ViewReader } from '../server/query/view-reader.ts'
import { startServer, type RunningServer } from '../server/start-server.ts'
import { CLOCK } from './elapsed.ts'
import { RawReads } from './raw/raw-reads.ts'
import type { Recovered } from './recovery.ts'
import type { StartSteps } from './start-steps.ts'
import type { Teardown } from './teardown.ts'

export interface LivePageOptions {
  readonly plan: Plan
  readonly host: string
  /** 0 picks a free one; left out it is 4400 or the next free one. */
  readonly port: number | undefined
  readonly dataDir: string
  /** What a proxy on this machine calls the server: then others can reach it. */
  readonly publicUrl?: URL
  /** Origins whose pages may frame ours. */
  readonly frameAncestors?: readonly string[]
  /** Told the password of the first admin, once. */
  readonly onFirstAdmin?: (lines: readonly string[]) => void
}

/** What a server serves beside the page. */
export interface Served {
  readonly database: Database
  readonly ingest: HttpIngest | undefined
  /** Null until the run is there: then the page says that it waits. */
  readonly status: () => PipelineStatus | null
}

export class LivePage {
  readonly #options: LivePageOptions
  readonly #steps: StartSteps
  readonly #teardown: Teardown
  readonly #view: LiveView
  #server: RunningServer | undefined

  constructor(options: LivePageOptions, steps: StartSteps, teardown: Teardown) {
    this.#options = options
    this.#steps = steps
    this.#teardown = teardown
    this.#view = new LiveView(options.plan)
  }

  /** The roll-ups that it shows beside the plan's tables. */
  get rollUps(): readonly RollUp[] {
    return this.#view.page.rollUps
  }

  /** Shows what an epoch changed. */
  apply(changes: ChangeSet): void {
    this.#view.apply(changes)
    this.#server?.hasNews()
  }

  /** Begins with what PostgreSQL holds (G2). */
  async fill({ url }: Database, { epoch, pipeline }: Recovered): Promise<void> {
    if (epoch === 0) return
    const { page } = this.#view
    const nowMs = CLOCK.nowMs()
    const { pipelineMs } = pipeline.engine.watermarks
    const watermarkMs = Number.isFinite(pipelineMs) ? pipelineMs : null
    this.#view.advance(nowMs, watermarkMs)
    const fromMs = Math.min(nowMs, watermarkMs ?? nowMs) - 2 * page.rangeMs - 3 * page.windowSizeMs
    await this.#steps.take(
      () => 'page shows what PostgreSQL holds',
      async () => {
        const cells = await readRollUps(url, this.#options.plan, page.rollUps, fromMs)
        this.#view.apply({
          cells,
          ledger: { count: 0, windowStartMs: [], stream: [], eventClass: [], events: [] },
        })
      },
    )
  }

  /** Serves it from now on, until everything is taken down. */
  async serve({ database, ingest, status }: Served): Promise<RunningServer> {
    const reader = this.#viewReader(database)
    const { host, port, plan, publicUrl, frameAncestors = [], dataDir } = this.#options
    const proxy = publicUrl === undefined ? {} : { publicUrl }
    ingest?.expose(publicUrl?.hostname ?? host)
    const access = await openAccess({
      dataDir: resolve(dataDir),
      host,
      ...proxy,
      isFramed: frameAncestors.length > 0,
      onFirstAdmin: this.#options.onFirstAdmin ?? ((): void => undefined),
    })
    this.#server = await this.#steps.take(
      (served) => `page at ${served.url}`,
      () =>
        startServer({
          liveView: this.#view,
          status,
          views: { plan, reader, ...(reader === undefined ? {} : { raw: this.#rawReads(database) }) },
          host,
          access,
          ...proxy,
          frameAncestors,
          ...(port === undefined ? {} : { port }),
          ...(ingest === undefined ? {} : { ingest }),
        }),
      (served) => served.close(),
    )
    return this.#server
  }

  /** Reads the tables for pages. The fallback serves one connection, and that is the sink's. */
  #viewReader({ kind, url, readOnlyUrl }: Database): ViewReader | undefined {
    if (kind === 'pglite') return undefined
    const reader = new ViewReader({ plan: this.#options.plan, url: readOnlyUrl ?? url })
    this.#teardown.add(() => reader.close())
    return reader
  }

  #rawReads({ url }: Database): RawReads {
    const { plan, dataDir } = this.#options
    return new RawReads({ plan, url, dataDir })
  }
}
