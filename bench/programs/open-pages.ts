/**
 * Pages that stay open: so many readers of `/api/v1/live`, shared among some different views, each on a connection of its
 * own. Says `ready` on stdout once every one has its first answer; at SIGTERM, or where its standard input ends, what came
 * as JSON.
 *
 * Usage: node open-pages.ts --url http://127.0.0.1:4400 [--pages 500] [--views 10]
 */
import { Agent, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { MINUTE_MS } from '../../src/time/units.ts'

/** What came to all pages together. */
export interface OpenPagesResult {
  readonly pages: number
  /** Pages that had an answer, and lost no connection. */
  readonly openPages: number
  readonly answers: number
  readonly patches: number
  readonly failures: number
  /** Times that a page was asked to come again before its first answer. */
  readonly refusals: number
  readonly bytes: number
}

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:4400' },
    pages: { type: 'string', default: '500' },
    views: { type: 'string', default: '10' },
  },
})
const PAGES = Number(options.pages)
const VIEWS = Number(options.views)
const PATIENCE_MS = MINUTE_MS
const SPLITS = ['campaign_id', 'device_type', 'browser']
const agent = new Agent({ keepAlive: false, maxSockets: Infinity })

const found = { answers: 0, patches: 0, failures: 0, refusals: 0, bytes: 0 }
let openPages = 0

/** Different ranges and splits of whole screens. */
function viewOf(page: number): string {
  const view = page % VIEWS
  return `range=${view + 1}h&measure=ctr&split=${SPLITS[view % SPLITS.length] ?? 'browser'}&vs=previous`
}

function follow(response: IncomingMessage, onAnswer: () => void): void {
  let tail = ''
  response.setEncoding('latin1').on('data', (piece: string) => {
    found.bytes += piece.length
    // Names of events are short; data lines are not kept.
    const lines = (tail + piece).split('\n')
    tail = (lines.pop() ?? '').slice(0, 32)
    for (const line of lines) {
      if (line === 'event: answer') found.answers++
      else if (line === 'event: patch') found.patches++
      else if (line === 'event: failed') found.failures++
      else continue
      onAnswer()
    }
  })
}

/** Asks again, as a page does, where the server is too busy for a first answer. */
async function openPage(page: number): Promise<void> {
  for (let refusal = await tryPage(page); refusal !== undefined; refusal = await tryPage(page)) {
    if (performance.now() > PATIENCE_MS) throw new Error(`a page was refused: ${refusal}`)
    found.refusals++
    await delay(1_000)
  }
}

async function tryPage(page: number): Promise<string | undefined> {
  return new Promise<string | undefined>((resolve, reject) => {
    const request = get(`${options.url}/api/v1/live?${viewOf(page)}`, { agent }, (response) => {
      if (response.statusCode !== 200) {
        resolve(text(response))
        return
      }
      openPages++
      follow(response, () => resolve(undefined))
      response.on('close', () => openPages--)
    })
    request.on('error', reject)
  })
}

function end(): void {
  console.log(JSON.stringify({ pages: PAGES, openPages, ...found } satisfies OpenPagesResult))
  process.exit(0)
}

await Promise.all(Array.from({ length: PAGES }, (_, page) => openPage(page)))
console.log('ready')
process.once('SIGTERM', end)
process.stdin.resume().once('end', end)
