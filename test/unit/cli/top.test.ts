/**
 * `top` at an address that is not ours.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { it } from 'node:test'
import { topCommand } from '../../../src/cli/top.ts'
import { afterwards } from '../../support/afterwards.ts'

it('top says that what answers is no page of ours', async (context) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>'
  const server = createServer((socket) => socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1')
  afterwards(context, () => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await assert.rejects(topCommand().parseAsync(['--once', '--url', url], { from: 'user' }), {
    code: 'INSTANCE_UNAVAILABLE',
    message: /is no page of ours/,
    fix: /--url/,
  })
})
