/**
 * The log of a long-running command: pino, on stderr; lines for people on a terminal, JSON elsewhere.
 */
import { pino, type Logger } from 'pino'
import { limitLog } from '../runtime/limited-log.ts'
import type { Log } from '../runtime/ports.ts'

const TELL_EVERY_MS = 10_000

/** `--quiet` leaves warnings and errors, `--verbose` adds the notices of each part. */
export async function createLog(options: { readonly quiet?: boolean; readonly verbose?: boolean }): Promise<Log> {
  const logger = await createLogger(options.verbose === true ? 'debug' : options.quiet === true ? 'warn' : 'info')
  const { log, tell } = limitLog(
    (at, message) => logger[at](message),
    () => performance.now(),
  )
  // What a flood left out is said when it is over, also where nothing else is said any more.
  setInterval(tell, TELL_EVERY_MS).unref()
  return log
}

async function createLogger(level: string): Promise<Logger> {
  if (process.stderr.isTTY !== true) return pino({ level }, pino.destination({ dest: 2, sync: true }))
  // Nobody else waits for it to load.
  const { PinoPretty } = await import('pino-pretty')
  return pino({ level }, PinoPretty({ destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
}
