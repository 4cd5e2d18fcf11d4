/**
 * Clients that mean harm, as a process of their own: as many connections that trickle as are asked for, compressed
 * bombs, floods of keys that are none, headers without end. Prints `ready` when all are there; goes on until it is
 * killed.
 *
 * Usage: node test/support/hostile-program.ts PORT CONNECTIONS
 */
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

const port = Number(process.argv[2])
const count = Number(process.argv[3])
const HEAD = 'POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
const bomb = gzipSync(Buffer.alloc(100_000_000))

function open(greeting: string | Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.write(greeting)
      resolve(socket)
    })
    socket.once('close', () => resolve(socket))
  })
}

const trickling = await Promise.all(
  Array.from({ length: count }, () => open(`${HEAD}content-length: 10000000\r\n\r\n[`)),
)
let turn = 0
setInterval(() => {
  for (let i = 0; i < trickling.length / 10; i++) trickling[turn++ % trickling.length]?.write(' ')
}, 50)

async function flood(once: () => Promise<Socket>): Promise<never> {
  for (;;) {
    const socket = await once()
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
  }
}

void flood(() =>
  open(Buffer.concat([Buffer.from(`${HEAD}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`), bomb])),
)
for (let i = 0; i < 4; i++)
  void flood(() => open(`${HEAD}authorization: Bearer tm_no_such_key\r\ncontent-length: 2\r\n\r\n{}`))
void flood(() => open(`${HEAD}x: ${'y'.repeat(40_000)}\r\n\r\n`))
console.log('ready')
