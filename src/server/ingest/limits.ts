/**
 * What a client may ask of the ingest, and what it gets when nobody says otherwise.
 */
import { MINUTE_MS } from '../../time/units.ts'

/** All limits of the ingest. Bytes are bytes, times ms. */
export interface IngestLimits {
  /** A body as it comes over the wire. */
  readonly maxBodyBytes: number
  /** A body once it is decompressed. */
  readonly maxInflatedBytes: number
  /** A compressed body may become so many times larger; up to 1 MiB it always may. */
  readonly maxInflationRatio: number
  readonly maxEventsPerRequest: number
  /** Bodies being received, decompressed, read or written to disk, all together. */
  readonly maxBytesInFlight: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** The same for addresses of this machine. */
  readonly maxConnectionsPerLoopbackAddress: number
  readonly maxHeaderBytes: number
  /** From the start of a request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** From the start of a request to the end of its body. */
  readonly requestTimeoutMs: number
  /** A connection with nothing to do. */
  readonly keepAliveTimeoutMs: number
  readonly maxEventsPerSecondPerKey: number
  readonly maxEventsPerSecondPerAddress: number
  /** Requests with a key that is not valid, of one address. */
  readonly maxBadKeysPerSecondPerAddress: number
  /** How many seconds of a rate may come at once. */
  readonly burstSeconds: number
}

const MIB = 1_048_576

export const DEFAULT_INGEST_LIMITS: IngestLimits = {
  maxBodyBytes: 16 * MIB,
  maxInflatedBytes: 64 * MIB,
  maxInflationRatio: 100,
  maxEventsPerRequest: 100_000,
  maxBytesInFlight: 256 * MIB,
  maxConnections: 4_096,
  maxConnectionsPerAddress: 256,
  maxConnectionsPerLoopbackAddress: 4_096,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: MINUTE_MS,
  keepAliveTimeoutMs: 65_000,
  maxEventsPerSecondPerKey: 1_000_000,
  maxEventsPerSecondPerAddress: 1_000_000,
  maxBadKeysPerSecondPerAddress: 50,
  burstSeconds: 2,
}
