/**
 * The stream of answers as the page reads it, from a server that falls silent.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { readEvents } from '../../../dashboard/src/live/event-reader.ts'
import { afterwards } from '../../support/afterwards.ts'

/** Sends one event; then ends, or says nothing any more. */
async function startServer(context: TestContext, ends: boolean): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 1000\n\nid: a.1\nevent: answer\ndata: {}\n\n')
    if (ends) response.end()
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  afterwards(context, () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('a stream that falls silent is given up, whatever its connection says', async (context) => {
  const names: string[] = []
  const options = {
    lastId: '',
    signal: new AbortController().signal,
    onEvent: ({ name }: { readonly name: string }): void => void names.push(name),
    refusalOf: async ({ status }: Response): Promise<Error> => new Error(String(status)),
    silentAfterMs: 500,
  }
  await assert.rejects(readEvents(await startServer(context, false), options), /silent/)
  await readEvents(await startServer(context, true), options)
  assert.deepEqual(names, ['message', 'answer', 'message', 'answer'], 'control: one that ends is no error')
})
