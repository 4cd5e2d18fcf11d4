/**
 * Lines of a simulated log as requests to the ingest of a running pipeline.
 *
 * H1  Lines of one partition arrive in their order: one request is under way at a time.
 * H2  A request that the server had no room for is sent again until it is answered; one that it refused ends the work.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf, TidemarkError } from '../errors.ts'
import type { StreamName } from '../pipeline/plan.ts'
import { MINUTE_MS } from '../time/units.ts'
import type { WriteLines } from '../traffic/ad-traffic.ts'
import type { LineTarget } from '../traffic/writers/generate-log.ts'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
/** How long a server may be away. */
const PATIENCE_MS = MINUTE_MS
const BODY_BYTES = 4_194_304

interface Waiting {
  readonly stream: StreamName
  readonly lines: Uint8Array
}

export class HttpLines implements LineTarget {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #waiting: Waiting[] = []
  readonly #onWait: (reason: string, patienceMs: number) => void
  #isAway = false

  /**
   * @param url where the page of the run is
   * @param key the key of a sender, where the server asks for one
   * @param onWait told once for each time that the server is away, and for how long it may be
   */
  constructor(url: string, key: string | undefined, onWait: (reason: string, patienceMs: number) => void) {
    this.#onWait = onWait
    this.#url = url.replace(/\/+$/, '')
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }
    this.#headers = { 'content-type': 'application/x-ndjson', ...authorization }
  }

  readonly write: WriteLines = (stream, _partition, bytes, start, end) => {
    this.#waiting.push({ stream, lines: bytes.slice(start, end) })
  }

  async flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting
      const next = this.#waiting.findIndex(({ stream }) => stream !== first?.stream)
      const run = this.#waiting.splice(0, next < 0 ? this.#waiting.length : next)
      for (const body of bodiesOf(run)) await this.#send(first?.stream ?? 'impressions', body)
    }
  }

  async #send(stream: StreamName, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const untilMs = performance.now() + PATIENCE_MS
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs)) {
      const answer = await this.#post(`${this.#url}/v1/${stream}`, body)
      if (answer === 'taken') {
        this.#isAway = false
        return
      }
      if (!answer.retryable || performance.now() > untilMs) throw answer
      if (!this.#isAway) this.#onWait(answer.message, PATIENCE_MS)
      this.#isAway = true
      await delay(retryMs)
    }
  }

  async #post(url: string, body: Uint8Array<ArrayBuffer>): Promise<'taken' | TidemarkError> {
    try {
      const response = await fetch(url, { method: 'POST', headers: this.#headers, body })
      const text = await response.text()
      if (response.ok) return 'taken'
      const retryable = response.status === 429 || response.status >= 500
      return refusal(url, `${response.status} ${text.slice(0, 300)}`, retryable)
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      // A connection that failed says so by a code; what has none was never tried.
      const isConnection = cause instanceof Error && 'code' in cause
      return refusal(url, messageOf(cause), isConnection)
    }
  }
}

function refusal(url: string, reason: string, retryable: boolean): TidemarkError {
  return new TidemarkError('INGEST_REFUSED', `${url} did not take the events: ${reason}`, {
    where: url,
    retryable,
    fix: './tidemark run, and name the address it prints with --http (and a key with --key where it asks for one)',
  })
}

/** Runs of lines as bodies of a bounded length. */
function bodiesOf(run: readonly Waiting[]): Uint8Array<ArrayBuffer>[] {
  const bodies: Uint8Array[][] = [[]]
  let byteLength = 0
  for (const { lines } of run) {
    if (byteLength > 0 && byteLength + lines.length > BODY_BYTES) {
      bodies.push([])
      byteLength = 0
    }
    bodies.at(-1)?.push(lines)
    byteLength += lines.length
  }
  return bodies.map((parts) => Buffer.concat(parts))
}
