/**
 * The page over a replay: kept up to date while the replay runs, served once it is over, until the command is
 * interrupted. It shows the end of the log as of the log's own time, and needs no PostgreSQL.
 */
import { once } from 'node:events'
import { TidemarkError } from '../errors.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import { MOST_WINDOWS } from '../pipeline/page.ts'
import type { Plan, RollUp } from '../pipeline/plan.ts'
import type { PipelineStatus } from '../runtime/status.ts'
import { LiveView } from '../server/live-view.ts'
import { startServer, type RunningServer } from '../server/start-server.ts'
import { formatDuration } from '../time/duration.ts'

/** What `replay` offers for its page. */
export interface ReplayPageOptions {
  readonly page?: boolean
  /** How far back from the end of the log, ms. */
  readonly pageRange?: number
  readonly host: string
  readonly port?: number
}

/** A page that takes in changes and can be served at the end. */
export class ReplayPage {
  readonly #view: LiveView
  readonly #options: ReplayPageOptions
  #server: RunningServer | undefined

  constructor(plan: Plan, options: ReplayPageOptions) {
    this.#options = options
    this.#view = new LiveView(
      plan,
      options.pageRange === undefined ? {} : { rangeMs: rangeOf(plan, options.pageRange) },
    )
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
   * @throws TidemarkError `PORT_UNAVAILABLE`
   */
  async serve(status: PipelineStatus): Promise<string> {
    const { host, port } = this.#options
    this.#view.advance(status.nowMs, status.watermarkMs)
    const { finalUpToMs } = this.#view.snapshot().range
    const ended = { ...status, finalUpToMs: finalUpToMs === 0 ? null : finalUpToMs }
    this.#server = await startServer({
      liveView: this.#view,
      status: () => ended,
      host,
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

function rangeOf(plan: Plan, askedMs: number): number {
  const { windowSizeMs } = plan.parameters
  const windows = Math.ceil(askedMs / windowSizeMs)
  if (windows >= 1 && windows <= MOST_WINDOWS) return windows * windowSizeMs
  const [least, most] = [windowSizeMs, MOST_WINDOWS * windowSizeMs].map(formatDuration)
  throw new TidemarkError(
    'USAGE',
    `--page-range ${formatDuration(askedMs)}: allowed are ${least} to ${most} with windows of ${least}.`,
    { fix: `--page-range ${most}, or a definition with a longer windowSize.` },
  )
}
