/**
 * The lock file: what is installed is exactly what was looked at, on every platform, from whatever registry.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

interface Entry {
  readonly link?: boolean
  readonly integrity?: string
  readonly resolved?: string
}

const text = readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8')
const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Entry>> }

/** Packages of a registry; the entry without a name is our own. */
const installed = Object.entries(packages).filter(([name, entry]) => name !== '' && entry.link !== true)

describe('the lock file', () => {
  it('has the hash of every package, those of other platforms too', () => {
    assert.ok(installed.length > 100)
    const without = installed.filter(([, entry]) => !/^sha512-[\w+/]{86}==$/.test(entry.integrity ?? ''))
    // To fill them in: take these entries out of the file and run `npm install --package-lock-only`.
    assert.deepEqual(
      without.map(([name]) => name),
      [],
    )
  })

  it('names no address', () => {
    assert.deepEqual(
      installed.filter(([, entry]) => entry.resolved !== undefined).map(([name]) => name),
      [],
    )
  })
})
