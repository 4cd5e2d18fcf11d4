/**
 * The page over a replay: kept up to date while the replay runs, served once it is over, until the command is
 * interrupted. It shows the end of the log as of the log's own time, and needs no PostgreSQL.
 */
import { once } from 'node:events'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { Plan, RollUp } from '../pipeline/plan.ts'
import type { PipelineStatus } from '../runtime/status.ts'
import { openAccess } from '../server/access/open-access.ts'
import { LiveView } from '../server/live-view.ts'
import { startServer, type RunningServer } from '../server/start-server.ts'

export interface ReplayPageOptions {
  /** How far back from the end of the log, a whole number of windows; the plan's page says it unless given. */
  readonly rangeMs: number | undefined
  readonly host: string
  /** Where the users are, who have to log in where the host is not this machine. */
  readonly dataDir: string
  /** 0 picks a free port; left out it is 4400 or the next free one. */
  readonly port: number | undefined
  /** Told the first admin's password, once, where others can reach the page. */
  readonly onFirstAdmin: (lines: readonly string[]) => void
}

/** A page that takes in changes and can be served at the end. */
export class ReplayPage {
  readonly #view: LiveView
  readonly #options: ReplayPageOptions
  #server: RunningServer | undefined

  constructor(plan: Plan, options: ReplayPageOptions) {
    this.#options = options
    this.#view = new LiveView(plan, options.rangeMs === undefined ? {} : { rangeMs: options.rangeMs })
  }

  /** What the replay has to keep beside the tables. */
  get rollUps(): readonly RollUp[] {
    return this.#view.page.rollUps
  }

  apply(changes: ChangeSet): void {
    this.#view.apply(changes)
  }

  /**
   * Serves the page.
   *
   * @returns its address
   * @throws TidemarkError `PORT_UNAVAILABLE`, `USERS_UNREADABLE`, `DATA_DIR_UNUSABLE`
   */
  async serve(status: PipelineStatus): Promise<string> {
    const { host, port } = this.#options
    const access = await openAccess(this.#options)
    this.#view.advance(status.nowMs, status.watermarkMs)
    const { finalUpToMs } = this.#view.snapshot().range
    const ended = { ...status, finalUpToMs: finalUpToMs === 0 ? null : finalUpToMs }
    this.#server = await startServer({
      liveView: this.#view,
      status: () => ended,
      host,
      access,
      ...(port === undefined ? {} : { port }),
    })
    return this.#server.url
  }

  /** Resolves when the signal is aborted and the page is down. */
  async until(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await once(signal, 'abort')
    await this.#server?.close()
  }
}
