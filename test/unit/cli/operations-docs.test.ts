/**
 * docs/operations.md names every error code, exit code and metric there is: an operator finds what a page or an alarm
 * says.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { EXIT } from '../../../src/cli/exit-codes.ts'
import { createMetrics } from '../../../src/server/metrics.ts'
import { healthyStatus } from '../../support/pipeline-status.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const PAGE = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8')

const isNamed = (name: string): boolean => PAGE.includes(`\`${name}\``)

describe('docs/operations.md', () => {
  it('names every error code', () => {
    const source = readFileSync(join(ROOT, 'src', 'errors.ts'), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'$/gm)].map(([, code = '']) => code)
    assert.ok(codes.length > 30, 'control: codes were found')
    assert.deepEqual(
      codes.filter((code) => !isNamed(code)),
      [],
    )
  })

  it('names every exit code', () => {
    for (const code of Object.values(EXIT)) assert.match(PAGE, new RegExp(`\\b${code} [a-z\`]`), String(code))
  })

  it('names every metric of ours', () => {
    const metrics = createMetrics(() => healthyStatus()).getMetricsAsArray()
    const own = metrics.map(({ name }) => name).filter((name) => name.startsWith('tidemark_'))
    assert.ok(own.length > 20, 'control: metrics were found')
    assert.deepEqual(
      own.filter((name) => !isNamed(name)),
      [],
    )
    assert.ok(!isNamed('tidemark_nothing'), 'control')
  })
})
