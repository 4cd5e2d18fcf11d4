/**
 * Server-sent events over `fetch`: unlike `EventSource`, a refusal can be read, and nothing reconnects by itself.
 */

/** One event of a stream. */
export interface StreamedEvent {
  readonly id: string
  readonly name: string
  readonly text: string
}

/** A server that lives says something every 10 s, and after the longest answer, which takes 25 s, at the latest. */
const SILENT_AFTER_MS = 45_000

/**
 * Reads a stream until it ends or `signal` is aborted.
 *
 * @throws what `refusalOf` makes of an answer that is no stream; an error where it is silent for too long: a
 *   connection that was lost on the way does not end by itself
 */
export async function readEvents(
  path: string,
  options: {
    readonly lastId: string
    readonly signal: AbortSignal
    readonly onEvent: (event: StreamedEvent) => void
    readonly refusalOf: (response: Response) => Promise<Error>
    readonly silentAfterMs?: number
  },
): Promise<void> {
  const { lastId, signal, onEvent, refusalOf, silentAfterMs = SILENT_AFTER_MS } = options
  const headers: Record<string, string> = { accept: 'text/event-stream' }
  if (lastId !== '') headers['last-event-id'] = lastId
  const silence = new AbortController()
  const response = await fetch(path, { headers, signal: AbortSignal.any([signal, silence.signal]) })
  if (!response.ok || response.body === null) throw await refusalOf(response)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const timer = setTimeout(() => silence.abort(new Error('The server is silent.')), silentAfterMs)
    const { done, value } = await reader.read().finally(() => clearTimeout(timer))
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) onEvent(parseEvent(block))
  }
}

function parseEvent(block: string): StreamedEvent {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const [name, value] = [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')]
    fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value)
  }
  return { id: fields.get('id') ?? '', name: fields.get('event') ?? 'message', text: fields.get('data') ?? '' }
}
