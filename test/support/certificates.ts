/**
 * Certificates as a company would make them, for tests: an authority, a broker's own by it, and another authority that
 * nobody asked. By the JDK's `keytool`, as those who run Kafka do.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificates {
  /** The authority's, in PEM form. */
  readonly caFile: string
  readonly otherCaFile: string
  /** The broker's key and certificate, for `localhost` only. */
  readonly keyStore: string
}

export const KEY_PASSWORD = 'of a test'

/** Makes them in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, name)
  await Promise.all([makeAuthority(file('ca')), makeAuthority(file('other'))])
  const keyStore = file('broker.p12')
  await keytool('-genkeypair', '-alias', 'broker', '-dname', 'CN=broker', ...KEY, ...storeOptions(keyStore))
  const request = ['-alias', 'broker', ...storeOptions(keyStore)]
  await keytool('-certreq', ...request, '-file', file('broker.csr'))
  const sign = ['-alias', 'ca', '-rfc', '-ext', 'san=dns:localhost', '-validity', '2', ...storeOptions(file('ca.p12'))]
  await keytool('-gencert', ...sign, '-infile', file('broker.csr'), '-outfile', file('broker.pem'))
  for (const [alias, certificate] of [
    ['ca', file('ca.pem')],
    ['broker', file('broker.pem')],
  ] as const)
    await keytool('-importcert', '-noprompt', '-alias', alias, ...storeOptions(keyStore), '-file', certificate)
  return { caFile: file('ca.pem'), otherCaFile: file('other.pem'), keyStore }
}

const KEY = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2'] as const

async function makeAuthority(path: string): Promise<void> {
  const store = storeOptions(`${path}.p12`)
  await keytool('-genkeypair', '-alias', 'ca', '-dname', 'CN=Authority', '-ext', 'bc:c', ...KEY, ...store)
  await keytool('-exportcert', '-alias', 'ca', '-rfc', '-file', `${path}.pem`, ...store)
}

function storeOptions(keyStore: string): readonly string[] {
  return ['-keystore', keyStore, '-storetype', 'PKCS12', '-storepass', KEY_PASSWORD]
}

async function keytool(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('keytool', ['-J-Xshare:auto', ...args])
}
