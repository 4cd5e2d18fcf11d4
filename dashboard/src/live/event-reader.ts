/**
 * Server-sent events over `fetch`: unlike `EventSource`, a refusal can be read, and nothing reconnects by itself.
 */
import { refusalOf } from './refused.ts'

/** One event of a stream. */
export interface StreamedEvent {
  readonly id: string
  readonly name: string
  readonly text: string
}

/**
 * Reads a stream until it ends or `signal` is aborted.
 *
 * @throws Refused where the server answers with anything but a stream
 */
export async function readEvents(
  path: string,
  options: { readonly lastId: string; readonly signal: AbortSignal; readonly onEvent: (event: StreamedEvent) => void },
): Promise<void> {
  const { lastId, signal, onEvent } = options
  const headers: Record<string, string> = { accept: 'text/event-stream' }
  if (lastId !== '') headers['last-event-id'] = lastId
  const response = await fetch(path, { headers, signal })
  if (!response.ok || response.body === null) throw await refusalOf(response)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
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
