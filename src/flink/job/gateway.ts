/**
 * Flink's SQL Gateway and job manager over REST: statements in a session, jobs by name, savepoints.
 *
 * G1  A session is closed whatever happens in it; the jobs it started go on.
 * G2  What Flink says went wrong is told in one sentence, the innermost one of its causes.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'

const POLL_MS = 100
const REQUEST_TIMEOUT_MS = 30_000

/** What a statement gave. */
export interface StatementResult {
  readonly rows: readonly (readonly unknown[])[]
  /** The job that it started, if it did. */
  readonly jobId: string | undefined
}

/**
 * Runs statements in one session, in order.
 *
 * @param url of the SQL Gateway, such as `http://127.0.0.1:8083`
 * @throws TidemarkError FLINK_UNAVAILABLE, FLINK_REFUSED with the statement that failed
 */
export async function runStatements(
  url: string,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<readonly StatementResult[]> {
  const { sessionHandle } = await request<{ sessionHandle: string }>(url, 'POST', '/v3/sessions', {})
  try {
    const results: StatementResult[] = []
    for (const statement of statements) results.push(await runStatement(url, sessionHandle, statement, signal))
    return results
  } finally {
    await request(url, 'DELETE', `/v3/sessions/${sessionHandle}`).catch(() => undefined)
  }
}

async function runStatement(
  url: string,
  session: string,
  statement: string,
  signal: AbortSignal,
): Promise<StatementResult> {
  const base = `/v3/sessions/${session}`
  const { operationHandle } = await request<{ operationHandle: string }>(url, 'POST', `${base}/statements`, {
    statement,
  })
  const operation = `${base}/operations/${operationHandle}`
  for (;;) {
    signal.throwIfAborted()
    const { status } = await request<{ status: string }>(url, 'GET', `${operation}/status`)
    if (status === 'FINISHED' || status === 'ERROR' || status === 'CANCELED') break
    await delay(POLL_MS)
  }
  return readResult(url, `${operation}/result/0?rowFormat=JSON`, signal)
}

interface ResultPage {
  readonly resultType: 'PAYLOAD' | 'NOT_READY' | 'EOS'
  readonly jobID?: string
  readonly nextResultUri?: string
  readonly results?: { readonly data: readonly { readonly fields: readonly unknown[] }[] }
}

async function readResult(url: string, first: string, signal: AbortSignal): Promise<StatementResult> {
  const rows: (readonly unknown[])[] = []
  let jobId: string | undefined
  for (let path: string | undefined = first; path !== undefined;) {
    signal.throwIfAborted()
    const page: ResultPage = await request<ResultPage>(url, 'GET', path)
    jobId ??= page.jobID
    rows.push(...(page.results?.data ?? []).map(({ fields }) => fields))
    if (page.resultType === 'EOS') break
    if (page.resultType === 'NOT_READY') await delay(POLL_MS)
    path = page.nextResultUri
  }
  return { rows, jobId }
}

/**
 * One request to Flink.
 *
 * @throws TidemarkError FLINK_UNAVAILABLE where nobody answers, FLINK_REFUSED with the reason given
 */
export async function request<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const response = await answerOf(url, method, path, body)
  const text = await response.text()
  if (response.ok) return (text === '' ? {} : JSON.parse(text)) as T
  throw new TidemarkError('FLINK_REFUSED', `Flink refused: ${reasonIn(text)}`, {
    where: `${url}${path}`,
    fix: 'see ./tidemark stack logs',
  })
}

async function answerOf(url: string, method: string, path: string, body: unknown): Promise<Response> {
  try {
    return await fetch(new URL(path, url), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  } catch (cause) {
    throw new TidemarkError('FLINK_UNAVAILABLE', `Flink does not answer at ${url}.`, {
      where: url,
      retryable: true,
      fix: './tidemark stack up --only kafka,flink,postgres',
      cause,
    })
  }
}

/** The innermost cause in an answer of Flink, without Java's names of classes. */
export function reasonIn(text: string): string {
  const lines = messagesIn(text)
    .flatMap((message) => message.split('\n'))
    .map((line) => line.replace(/^<?(?:Exception on server side:)?\s*(?:Caused by: )?/, '').trim())
    .filter((line) => line !== '' && !/^(?:at |\.\.\. \d+ more|End of exception|Internal server error)/.test(line))
  const last = lines.findLast((line) => /^[\w$.]+(?:Exception|Error)\b/.test(line)) ?? lines.at(-1) ?? text
  return last.replace(/^(?:[\w$]+\.)+[\w$]+:\s*/, '').slice(0, 500)
}

function messagesIn(text: string): readonly string[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly string[] }
    return errors ?? [text]
  } catch {
    return [text]
  }
}
