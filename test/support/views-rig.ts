/**
 * Servers whose views read random facts of three hours from a real PostgreSQL.
 */
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import type { ViewFilter } from '../../src/query/view-query.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { startServer, type RunningServer } from '../../src/server/start-server.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import { makeFacts, writeFacts } from './fact-tables.ts'
import { healthyStatus } from './pipeline-status.ts'
import { startTestPostgres, type TestPostgres } from './postgres.ts'
import type { Facts } from './view-recount.ts'

export interface ServeOptions {
  /** Filters that hold whatever is asked for. */
  readonly forced?: readonly ViewFilter[]
  /** Another database than that of the rig. */
  readonly url?: string
  readonly timeoutMs?: number
  readonly isRunning?: boolean
}

export class ViewsRig {
  readonly plan: Plan = freezePlan(adPipeline)
  readonly span: { readonly fromMs: number; readonly toMs: number; readonly finalUpToMs: number } = {
    fromMs: Date.UTC(2026, 0, 1),
    toMs: Date.UTC(2026, 0, 1, 3),
    finalUpToMs: Date.UTC(2026, 0, 1, 2),
  }
  readonly watermarkMs: number = this.span.finalUpToMs + finalAfterMs(this.plan.parameters)
  readonly facts: Facts = makeFacts(this.plan, this.span, 400, 5)
  url = ''
  readonly #postgres: TestPostgres
  readonly #closing: (() => Promise<void>)[] = []

  private constructor(postgres: TestPostgres) {
    this.#postgres = postgres
  }

  static async start(): Promise<ViewsRig> {
    const rig = new ViewsRig(await startTestPostgres())
    rig.url = await rig.createDatabase()
    return rig
  }

  /** A database of its own with the same facts. */
  async createDatabase(): Promise<string> {
    const url = await this.#postgres.createDatabase()
    await writeFacts(url, this.facts, this.watermarkMs)
    return url
  }

  /** A server that lives until {@link closeServers}. */
  async serve(options: ServeOptions = {}): Promise<RunningServer> {
    const reader = new ViewReader({
      plan: this.plan,
      url: options.url ?? this.url,
      ...(options.timeoutMs === undefined ? {} : { statementTimeoutMs: options.timeoutMs }),
    })
    const server = await startServer({
      liveView: new LiveView(this.plan),
      status: () => (options.isRunning === true ? healthyStatus() : null),
      port: 0,
      patchIntervalMs: HOUR_MS,
      views: { plan: this.plan, reader, forcedFilters: () => options.forced ?? [], pollMs: 20 },
    })
    this.#closing.push(
      () => reader.close(),
      () => server.close(),
    )
    return server
  }

  async closeServers(): Promise<void> {
    for (const close of this.#closing.splice(0).toReversed()) await close()
  }

  async stop(): Promise<void> {
    await this.#postgres.stop()
  }
}

/** Asks a server; with a body by POST. */
export async function ask(
  server: RunningServer,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: never }> {
  const response = await fetch(
    `${server.url}${path}`,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  )
  return { status: response.status, body: (await response.json()) as never }
}
