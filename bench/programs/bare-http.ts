/**
 * A server of Node alone that reads each body and answers 200: what takes requests without doing anything for them. Says
 * where it listens as JSON, tells its processor time at `/usage`, and ends with SIGTERM.
 *
 * Usage: node bare-http.ts
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const HOST = '127.0.0.1'
const ANSWER = '{"accepted":1,"rejected":[]}'
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const { user, system } = process.cpuUsage()
    const text = request.method === 'GET' ? JSON.stringify({ cpuMs: (user + system) / 1_000 }) : ANSWER
    response.writeHead(200, ['content-type', 'application/json; charset=utf-8', 'content-length', String(text.length)])
    response.end(text)
  })
})
server.listen(0, HOST, () => {
  console.log(JSON.stringify({ url: `http://${HOST}:${(server.address() as AddressInfo).port}` }))
})
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
