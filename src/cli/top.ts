/**
 * `tidemark top`: a running instance in the terminal, anew every second.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { TidemarkError } from '../errors.ts'
import type { SnapshotMessage } from '../server/page-data.ts'
import { findInstance } from '../service/running-instance.ts'
import { MINUTE_MS } from '../time/units.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR, dataDirArgument } from './data-dir-argument.ts'
import { interruptSignal } from './interrupt.ts'
import { durationBetween, serverUrl } from './option-values.ts'
import { shellWord } from './shell-word.ts'
import { createTalk } from './talk.ts'
import { topScreen } from './top-screen.ts'

interface TopOptions extends CommonOptions {
  readonly url?: string
  readonly user?: string
  readonly dataDir: string
  readonly every?: number
  readonly once?: boolean
}

const DEFAULT_URL = 'http://localhost:4400'
const NAME_THE_PAGE = 'Name the page with --url.'
const SCREEN = { begin: '\u001b[?1049h\u001b[?25l', home: '\u001b[H', clear: '\u001b[K', rest: '\u001b[J' } as const
const SCREEN_END = '\u001b[?25h\u001b[?1049l'

/** The command, for `main.ts`. */
export function topCommand(): Command {
  return new Command('top')
    .description('A running instance in the terminal, anew every second.')
    .option('--url <url>', 'its page (that of the instance which runs on the data folder)', serverUrl)
    .option('--user <name>', 'who logs in, where that is asked; the password is in TIDEMARK_PASSWORD')
    .option('--data-dir <dir>', 'the data folder of the run', DEFAULT_DATA_DIR)
    .option('--every <duration>', 'how often, 200ms to 1m (1s)', durationBetween(200, MINUTE_MS))
    .option('--once', 'show it once and end; so it is without a terminal and with --json')
    .action(top)
}

async function top(options: TopOptions): Promise<void> {
  const url = options.url ?? findInstance(options.dataDir)?.url ?? DEFAULT_URL
  const cookie = options.user === undefined ? undefined : await logIn(url, options.user)
  const isLimited = cookie !== undefined && (await isLimitedUser(url, cookie))
  const { stdout } = process
  if (options.json === true || options.once === true || !stdout.isTTY) {
    const message = await ask(url, cookie)
    const text = options.json === true ? JSON.stringify(message) : topScreen(message, 200, isLimited).join('\n')
    stdout.write(`${text}\n`)
    createTalk(options).next(nextStep(url, options, message))
    return
  }
  await watch(url, { cookie, isLimited }, options.every ?? 1_000)
}

/** What a data folder of this machine knows is asked for only where the instance is found by it. */
function nextStep(url: string, { url: given, dataDir }: TopOptions, { status }: SnapshotMessage): string {
  if (given !== undefined) return `${url}/status in a browser`
  return status?.database.state === 'up'
    ? `./tidemark verify --data-dir ${shellWord(dataDir)}`
    : `./tidemark doctor${dataDirArgument(dataDir)}`
}

interface Asker {
  readonly cookie: string | undefined
  readonly isLimited: boolean
}

async function watch(url: string, { cookie, isLimited }: Asker, everyMs: number): Promise<void> {
  const signal = interruptSignal()
  const { stdout } = process
  stdout.write(SCREEN.begin)
  try {
    while (!signal.aborted) {
      const lines = topScreen(await ask(url, cookie), stdout.columns || 80, isLimited).slice(0, (stdout.rows || 24) - 1)
      stdout.write(`${SCREEN.home}${lines.map((line) => `${line}${SCREEN.clear}\n`).join('')}${SCREEN.rest}`)
      await delay(everyMs, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    stdout.write(SCREEN_END)
  }
}

async function ask(url: string, cookie: string | undefined): Promise<SnapshotMessage> {
  const response = await reach(`${url}/api/page`, cookie === undefined ? {} : { headers: { cookie } })
  if (response.ok) return snapshotOf(url, await response.text())
  throw new TidemarkError('INSTANCE_UNAVAILABLE', `${url} answered ${response.status}.`, {
    where: url,
    fix: response.status === 401 ? 'Log in: TIDEMARK_PASSWORD=… ./tidemark top --user NAME' : NAME_THE_PAGE,
  })
}

function snapshotOf(url: string, text: string): SnapshotMessage {
  const answer = parsed(url, text)
  if (isPage(answer)) return answer
  throw noPage(url)
}

/** What else answers in JSON, such as a health check with a `status` of its own, has not all three of them. */
function isPage(answer: unknown): answer is SnapshotMessage {
  const { page, data, status } = objectOf(answer)
  const hasStatus = status === null || ['database', 'intake', 'ledger'].every((part) => part in objectOf(status))
  return 'boards' in objectOf(page) && 'totals' in objectOf(data) && hasStatus
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function parsed(url: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw noPage(url, cause)
  }
}

function noPage(url: string, cause?: unknown): TidemarkError {
  return new TidemarkError('INSTANCE_UNAVAILABLE', `What answers at ${url} is no page of ours.`, {
    where: url,
    fix: NAME_THE_PAGE,
    cause,
  })
}

/** Whether the one who logged in sees a part alone (F1 of limited-feed): totals are told as 0 then. */
async function isLimitedUser(url: string, cookie: string): Promise<boolean> {
  const response = await reach(`${url}/api/me`, { headers: { cookie } })
  const { scope } = objectOf(parsed(url, await response.text()))
  return Array.isArray(scope) && scope.length > 0
}

async function logIn(url: string, name: string): Promise<string> {
  const body = new URLSearchParams({ name, password: process.env['TIDEMARK_PASSWORD'] ?? '' })
  const response = await reach(`${url}/login`, { method: 'POST', body, redirect: 'manual' })
  const cookie = response.headers.get('set-cookie')?.split(';')[0]
  if (response.status === 303 && cookie !== undefined) return cookie
  throw new TidemarkError('INSTANCE_UNAVAILABLE', `${url} does not let "${name}" in (${response.status}).`, {
    where: url,
    fix: 'Set TIDEMARK_PASSWORD to the password of this user.',
  })
}

async function reach(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(10_000) })
  } catch (error) {
    throw new TidemarkError('INSTANCE_UNAVAILABLE', `No instance answers at ${new URL(url).origin}.`, {
      where: url,
      cause: error,
      fix: 'Start one with ./tidemark run, or name its page with --url or its folder with --data-dir.',
    })
  }
}
