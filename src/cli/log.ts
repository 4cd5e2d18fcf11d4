/**
 * The log of a long-running command: pino, on stderr; lines for people on a terminal, JSON elsewhere.
 */
import { pino } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { Log } from '../runtime/ports.ts'

/** `--quiet` leaves warnings and errors, `--verbose` adds the notices of each part. */
export function createLog(options: { readonly quiet?: boolean; readonly verbose?: boolean }): Log {
  const level = options.verbose === true ? 'debug' : options.quiet === true ? 'warn' : 'info'
  const logger =
    process.stderr.isTTY === true
      ? pino({ level }, PinoPretty({ destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' }))
      : pino({ level }, pino.destination({ dest: 2, sync: true }))
  return (at, message) => logger[at](message)
}
