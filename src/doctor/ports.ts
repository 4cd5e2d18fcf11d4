/**
 * Checks of TCP ports on the loopback address.
 */
import { createServer } from 'node:net'
import { findPortHolder } from '../server/port-holder.ts'
import { type Check, ok, warn } from './check.ts'

/** Whether the demo can have a port of the loopback address. */
export async function checkPort(port: number, use: string): Promise<Check> {
  const name = `port ${port}`
  const code = await listenError(port)
  if (code === undefined) return ok(name, `free (${use})`)
  if (code !== 'EADDRINUSE') return warn(name, `cannot be opened: ${code}`, './tidemark demo --port 0')
  const holder = (await findPortHolder(port)) ?? 'another program'
  return warn(name, `taken by ${holder}; the next free port serves instead`, './tidemark demo --port 0')
}

/** Opens and closes the port; resolves with the error's code where it cannot be opened. */
async function listenError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
