/**
 * The ingest of a data folder: with its keys, and the secret that signs targets of clicks.
 */
import { clickSecret } from '../keys/click-secret.ts'
import { KeyRing } from '../keys/key-ring.ts'
import { HttpIngest, type HttpIngestOptions } from './http-ingest.ts'
import { RedirectTargets } from './redirect-targets.ts'

export interface OpenIngestOptions extends Omit<HttpIngestOptions, 'keys' | 'targets'> {
  readonly dataDir: string
  /** Hosts that clicks may be sent on to without a signature. */
  readonly redirectHosts?: readonly string[]
}

/**
 * Opens it, to be given to `startServer`.
 *
 * @throws TidemarkError KEYS_UNREADABLE
 */
export function openIngest({ dataDir, redirectHosts = [], ...options }: OpenIngestOptions): HttpIngest {
  const keys = new KeyRing(dataDir)
  const targets = new RedirectTargets({ hosts: redirectHosts, secret: clickSecret(dataDir) })
  return new HttpIngest({ ...options, keys, targets })
}
