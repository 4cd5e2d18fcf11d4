/**
 * The page as it is built now, on a server whose numbers come from the real engine: events go in as lines.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import type { Plan } from '../../src/pipeline/plan.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import type { PipelineStatus } from '../../src/runtime/status.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { startServer, type RunningServer } from '../../src/server/start-server.ts'
import { healthyStatus, partition } from './pipeline-status.ts'

const DASHBOARD = join(import.meta.dirname, '../../dashboard')
const RANDOM = Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))

/** Builds the page into a folder of its own. */
export async function buildPage(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'tidemark-page-'))
  const configFile = join(DASHBOARD, 'vite.config.ts')
  await build({ root: DASHBOARD, configFile, logLevel: 'silent', build: { outDir, emptyOutDir: true } })
  return outDir
}

export class PageRig {
  readonly #view: LiveView
  readonly #pipeline: Pipeline
  readonly #assetsDir: string
  #server: RunningServer | undefined
  #changed: Partial<PipelineStatus> = {}
  #port = 0

  constructor(plan: Plan, assetsDir: string) {
    this.#view = new LiveView(plan)
    this.#assetsDir = assetsDir
    this.#pipeline = new Pipeline({
      plan,
      rollUps: this.#view.page.rollUps,
      partitions: [
        { stream: 'impressions', name: 'impressions-0' },
        { stream: 'clicks', name: 'clicks-0' },
      ],
      deadLetters: { write: () => undefined },
      random: RANDOM,
    })
  }

  get url(): string {
    return `http://localhost:${this.#port}/`
  }

  /** Starts the server, on the same port as before if it ran before. */
  async start(): Promise<void> {
    const status = (): PipelineStatus => this.#status()
    const options = { liveView: this.#view, status, assetsDir: this.#assetsDir, patchIntervalMs: 50 }
    this.#server = await startServer({ ...options, port: this.#port })
    this.#port = this.#server.port
  }

  async stop(): Promise<void> {
    await this.#server?.close()
    this.#server = undefined
  }

  /** Sends events through decoder and engine. */
  push(impressions: readonly object[], clicks: readonly object[] = []): void {
    ;[impressions, clicks].forEach((events, index) => {
      const block = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
      this.#pipeline.offerLines(index, block, 0, block.length, Infinity)
    })
    this.#pipeline.engine.advance()
    this.#view.apply(this.#pipeline.engine.changes())
  }

  /** Makes the status say something else. */
  say(changed: Partial<PipelineStatus>): void {
    this.#changed = changed
  }

  #status(): PipelineStatus {
    const { engine } = this.#pipeline
    const watermarkMs = Number.isFinite(engine.watermarks.pipelineMs) ? engine.watermarks.pipelineMs : null
    const ledger = (code: number, stream: 'impressions' | 'clicks'): PipelineStatus['ledger']['clicks'] => ({
      read: engine.ledger.readOf(code),
      classes: engine.classesOf(stream),
      difference: engine.ledger.differenceOf(code),
    })
    const nowMs = Date.now()
    return healthyStatus({
      nowMs,
      database: { state: 'none', message: null, sinceMs: nowMs, waitingCells: 0, intakePaused: false, outages: [] },
      startedAtMs: Date.now() - 60_000,
      watermarkMs,
      finalUpToMs: null,
      partitions: [partition(), partition({ stream: 'clicks' })],
      ledger: { impressions: ledger(0, 'impressions'), clicks: ledger(1, 'clicks') },
      ...this.#changed,
    })
  }
}

/** Removes a built page. */
export function removePage(assetsDir: string): void {
  rmSync(assetsDir, { recursive: true, force: true })
}
