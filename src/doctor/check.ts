/**
 * One finding about this machine.
 *
 * D1  `fail` is what keeps `demo` from working at all; `warn` is what makes it work less well.
 * D2  Whatever is not `ok` carries one command or sentence that mends it.
 * D3  No check changes anything that stays, and none waits longer than a few seconds.
 */

export interface Check {
  /** What was looked at, such as `port 4400`. */
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  /** What was found, with the numbers. */
  readonly message: string
  readonly fix?: string
}

/** A finding that is fine. */
export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message }
}

/** A finding that makes things work less well. */
export function warn(name: string, message: string, fix: string): Check {
  return { name, status: 'warn', message, fix }
}

/** A finding that keeps things from working. */
export function fail(name: string, message: string, fix: string): Check {
  return { name, status: 'fail', message, fix }
}

/** Bytes for people: `1.4 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}
