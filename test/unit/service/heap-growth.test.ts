/**
 * How often the garbage collector runs over the whole heap while typed arrays come.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'

const MODULE = new URL('../../../src/service/heap-growth.ts', import.meta.url).href
const LARGER_STEPS = `import { growHeapInLargeSteps } from '${MODULE}'; growHeapInLargeSteps()`

/** Runs over the whole heap while typed arrays of a megabyte come, of which the last `kept` stay. */
function runsOfCollector(before: string, arrays: number, kept: number): number {
  const program = `${before}
    const ring = []
    for (let i = 0; i < ${arrays}; i++) {
      ring[i % ${kept}] = new Uint8Array(1 << 20)
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }`
  const args = ['--trace-gc', '--input-type=module', '--eval', program]
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).match(/Mark-Compact/g)?.length ?? 0
}

describe('growth of the heap', () => {
  it('H1: the collector does not run for every 64 MB of arrays that stay', () => {
    const usual = runsOfCollector('', 1_000, 1_000)
    const larger = runsOfCollector(LARGER_STEPS, 1_000, 1_000)
    assert.ok(usual >= 10, `control: it usually runs ${usual} times`)
    assert.ok(larger >= 1 && larger <= usual / 2, `${larger} times in place of ${usual}`)
  })

  it('H1: it runs again and again where arrays do not stay', () => {
    const larger = runsOfCollector(LARGER_STEPS, 4_000, 200)
    assert.ok(larger >= 3, `${larger} times for 4 GB`)
  })
})
