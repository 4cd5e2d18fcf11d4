/**
 * A server that takes events, over an intake in the test's own hands.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Socket } from 'node:net'
import { HttpIngest, type HttpIngestOptions } from '../../src/server/ingest/http-ingest.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { startServer, type RunningServer } from '../../src/server/start-server.ts'
import { MemoryIntake } from './memory-intake.ts'
import { adPlan } from './page-changes.ts'
import { healthyStatus } from './pipeline-status.ts'

export interface IngestRig {
  readonly server: RunningServer
  readonly intake: MemoryIntake
  readonly ingest: HttpIngest
  /** An empty folder of its own. */
  readonly dir: string
  post(path: string, body: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Posted>
  close(): Promise<void>
}

export interface Posted {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Starts one; `changed` may replace any option of the ingest, and is given the rig's folder. */
export async function startIngest(
  changed: Partial<HttpIngestOptions> | ((dir: string) => Partial<HttpIngestOptions>) = {},
  host = '127.0.0.1',
): Promise<IngestRig> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-ingest-'))
  const given = typeof changed === 'function' ? changed(dir) : changed
  const intake = new MemoryIntake()
  const ingest = new HttpIngest({ plan: adPlan, intake, ...given })
  const server = await startServer({
    liveView: new LiveView(adPlan),
    status: () => healthyStatus(),
    ingest,
    host,
    port: 0,
    assetsDir: dir,
    patchIntervalMs: 3_600_000,
  })
  const post = async (
    path: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Posted> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : Buffer.from(body),
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const close = async (): Promise<void> => {
    await server.close()
    rmSync(dir, { recursive: true })
  }
  return { server, intake, ingest, dir, post, close }
}

/** A connection that sends exactly what a test says; `text` is what came back so far. */
export interface RawClient {
  readonly socket: Socket
  readonly text: () => string
  readonly isClosed: () => boolean
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let isClosed = false
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  socket.on('close', () => (isClosed = true))
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', resolve)
  })
  return { socket, text: () => text, isClosed: () => isClosed }
}
