/**
 * The options of `run` and `demo` for events over HTTP: every limit by a name of its own, and hosts that clicks go on
 * to.
 */
import { InvalidArgumentError, type Command } from 'commander'
import { closest, distance } from 'fastest-levenshtein'
import { TidemarkError } from '../errors.ts'
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from '../server/ingest/limits.ts'
import { formatDuration } from '../time/duration.ts'
import { HOUR_MS } from '../time/units.ts'
import { byteCount, durationBetween, wholeNumber } from './option-values.ts'

/** What {@link addIngestOptions} adds. */
export interface IngestOptions {
  readonly limit?: Partial<IngestLimits>
  readonly redirectHost?: readonly string[]
}

const count = wholeNumber(1, 1e12)
const time = durationBetween(100, HOUR_MS)

/** Every limit: its name on the command line, and how its value is read. */
export const LIMIT_NAMES: ReadonlyMap<string, readonly [key: keyof IngestLimits, read: (text: string) => number]> =
  new Map([
    ['body', ['maxBodyBytes', byteCount]],
    ['inflated-body', ['maxInflatedBytes', byteCount]],
    ['inflation-ratio', ['maxInflationRatio', count]],
    ['events-per-request', ['maxEventsPerRequest', count]],
    ['bytes-in-flight', ['maxBytesInFlight', byteCount]],
    ['connections', ['maxConnections', wholeNumber(1, 1_000_000)]],
    ['connections-per-address', ['maxConnectionsPerAddress', count]],
    ['connections-per-loopback-address', ['maxConnectionsPerLoopbackAddress', count]],
    ['headers', ['maxHeaderBytes', byteCount]],
    ['headers-timeout', ['headersTimeoutMs', time]],
    ['request-timeout', ['requestTimeoutMs', time]],
    ['keep-alive-timeout', ['keepAliveTimeoutMs', time]],
    ['events-per-second-per-key', ['maxEventsPerSecondPerKey', count]],
    ['events-per-second-per-address', ['maxEventsPerSecondPerAddress', count]],
    ['bad-keys-per-second-per-address', ['maxBadKeysPerSecondPerAddress', count]],
    ['burst-seconds', ['burstSeconds', wholeNumber(1, 3_600)]],
  ] as const)

/** Adds them to a command. */
export function addIngestOptions(command: Command): Command {
  return command
    .option(
      '--limit <name=value>',
      'a limit of HTTP ingest, such as body=32MB; may be repeated (docs/ingest.md)',
      limit,
    )
    .option('--redirect-host <host>', 'where clicks may be sent on to, as *.shop.example; may be repeated', hosts)
}

function limit(text: string, before: Partial<IngestLimits> = {}): Partial<IngestLimits> {
  const at = text.indexOf('=')
  const name = at < 0 ? text : text.slice(0, at)
  const known = LIMIT_NAMES.get(name)
  const names = [...LIMIT_NAMES.keys()]
  if (known === undefined) throw new InvalidArgumentError(`Allowed: ${names.join(', ')}.${meantName(name, names)}`)
  if (at < 0) throw new InvalidArgumentError(`Allowed: ${name}=VALUE.`)
  const [key, read] = known
  return { ...before, [key]: read(text.slice(at + 1)) }
}

/**
 * The limits that were given, as they fit those that were not.
 *
 * @throws TidemarkError USAGE where headers may take longer than the request that they are of
 */
export function givenLimits({ limit: given = {} }: IngestOptions): Partial<IngestLimits> {
  const { requestTimeoutMs = DEFAULT_INGEST_LIMITS.requestTimeoutMs } = given
  const { headersTimeoutMs = Math.min(DEFAULT_INGEST_LIMITS.headersTimeoutMs, requestTimeoutMs) } = given
  if (headersTimeoutMs <= requestTimeoutMs) return { ...given, headersTimeoutMs }
  const [headers, request] = [formatDuration(headersTimeoutMs), formatDuration(requestTimeoutMs)]
  throw new TidemarkError(
    'USAGE',
    `--limit headers-timeout=${headers} must not be longer than request-timeout (${request}).`,
    { fix: `--limit request-timeout=${headers}` },
  )
}

function meantName(name: string, names: readonly string[]): string {
  const nearest = closest(name, names)
  return distance(name, nearest) <= Math.max(name.length, nearest.length) / 2 ? ` (Did you mean ${nearest}?)` : ''
}

function hosts(text: string, before: readonly string[] = []): readonly string[] {
  const host = text.trim().replace(/^\*\./, '')
  if (host === '' || /[\s/@\\?#]/.test(host) || !URL.canParse(`http://${host}`))
    throw new InvalidArgumentError('Allowed: a host such as shop.example, *.shop.example or localhost:3000.')
  return [...before, text.trim()]
}
