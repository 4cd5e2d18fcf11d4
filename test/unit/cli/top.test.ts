/**
 * `top` at an address that is not ours.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { topCommand } from '../../../src/cli/top.ts'
import { afterwards } from '../../support/afterwards.ts'

/** Runs `top` once against a server that answers everything with these bytes. */
async function topAt(context: TestContext, type: string, body: string): Promise<unknown> {
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const server = createServer((socket) => socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1')
  afterwards(context, () => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return topCommand().parseAsync(['--once', '--url', url], { from: 'user' })
}

for (const [what, type, body] of [
  ['a page of someone else', 'text/html', '<html>'],
  ['an empty object', 'application/json', '{}'],
  ['null', 'application/json', 'null'],
  ['a list', 'application/json', '[1]'],
  ['a health check', 'application/json', '{"status":"ok"}'],
  ['a status of another shape', 'application/json', '{"page":{"boards":[]},"data":{"totals":{}},"status":{}}'],
] as const)
  it(`top says that what answers is no page of ours: ${what}`, async (context) => {
    await assert.rejects(topAt(context, type, body), {
      code: 'INSTANCE_UNAVAILABLE',
      message: /is no page of ours/,
      fix: /--url/,
    })
  })

it('control: top shows a run that is starting', async (context) => {
  const written = context.mock.method(process.stdout, 'write')
  const page = { rangeMs: 60_000, boards: [] }
  const data = { totals: { last: [7, 1] }, boards: {} }
  await topAt(context, 'application/json', JSON.stringify({ page, data, status: null }))
  const text = written.mock.calls.map(({ arguments: [chunk] }) => String(chunk)).join('')
  assert.match(text, /The pipeline is starting\.[^]*all +7 +1/)
})
