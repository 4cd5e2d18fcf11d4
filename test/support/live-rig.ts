/**
 * A live service in this process, with everything real: journal, checkpoints, PostgreSQL, page. Events are sent over
 * HTTP.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { readTables } from '../../src/database/read-tables.ts'
import type { Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TextRow } from '../../src/pipeline/table-text.ts'
import type { PipelineStatus } from '../../src/runtime/status.ts'
import { startLiveService, type LiveService, type LiveServiceOptions } from '../../src/service/live-service.ts'
import { adPlan } from './engine-rig.ts'
import { afterwards } from './afterwards.ts'

/** A folder that goes with the test. */
export function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-live-'))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Options of a service on a given database; the rest as a test would have it. */
export function liveOptions(changed: Partial<LiveServiceOptions>): LiveServiceOptions {
  return {
    plan: adPlan(),
    writer: 'run',
    host: '127.0.0.1',
    port: 0,
    adminPort: 0,
    dataDir: '',
    databaseUrl: undefined,
    epochMs: 50,
    retention: { maxAgeMs: 86_400_000, maxBytes: 1e9 },
    replace: false,
    onStep: () => undefined,
    log: () => undefined,
    ...changed,
  }
}

/** A service that runs. */
export class RunningRig {
  readonly service: LiveService
  readonly #stop: AbortController
  readonly #running: Promise<void>

  private constructor(service: LiveService, stop: AbortController) {
    this.service = service
    this.#stop = stop
    this.#running = service.run()
    // Whoever stops it is told how it ended.
    this.#running.catch(() => undefined)
  }

  /** Starts one that is stopped with the test, whatever becomes of it. */
  static async start(context: TestContext, changed: Partial<LiveServiceOptions>): Promise<RunningRig> {
    const stop = new AbortController()
    const rig = new RunningRig(await startLiveService(liveOptions(changed), stop.signal), stop)
    afterwards(context, () => rig.stop().catch(() => undefined))
    return rig
  }

  /** Sends lines of one stream; returns how many were accepted. */
  async send(stream: StreamName, ...lines: readonly string[]): Promise<number> {
    const response = await fetch(`${this.service.server.url}/v1/${stream}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${line}\n`).join(''),
    })
    const answer: unknown = await response.json()
    assert.equal(response.status, 200, JSON.stringify(answer))
    return typeof answer === 'object' && answer !== null && 'accepted' in answer ? Number(answer.accepted) : NaN
  }

  async status(): Promise<PipelineStatus> {
    const response = await fetch(`${this.service.server.url}/api/page`)
    const message = (await response.json()) as { readonly status: PipelineStatus | null }
    assert.ok(message.status !== null)
    return message.status
  }

  /** Ends it in order; rejects where the run failed. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** How the run ends by itself. */
  get ended(): Promise<void> {
    return this.#running
  }
}

/** All rows of all tables of a plan. */
export async function storedRows(url: string, plan: Plan): Promise<Map<string, TextRow[]>> {
  const stored = await readTables(url, plan)
  const found = new Map<string, TextRow[]>()
  try {
    for (const table of stored.tables) {
      const rows: TextRow[] = []
      for await (const row of table.rows) rows.push(row)
      found.set(table.name, rows)
    }
  } finally {
    await stored.close()
  }
  return found
}
