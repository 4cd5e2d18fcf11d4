/**
 * The limited log by its invariants G1 to G3.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { limitLog } from '../../../src/runtime/limited-log.ts'

describe('the limited log', () => {
  it('G1, G2: writes so many of a kind a minute, counts the rest, and says how many once the minute is over', () => {
    const lines: string[] = []
    let nowMs = 0
    const { log, tell } = limitLog(
      (level, line) => lines.push(`${level} ${line}`),
      () => nowMs,
      3,
    )
    for (let i = 0; i < 50; i++) log('warn', `Request ${i} failed.`)
    log('warn', 'The disk is full.')
    log('error', 'Request 7 failed.')
    assert.deepEqual(lines, [
      'warn Request 0 failed.',
      'warn Request 1 failed.',
      'warn Request 2 failed.',
      'warn The disk is full.',
      'error Request 7 failed.',
    ])
    lines.length = 0
    nowMs = 59_999
    tell()
    assert.deepEqual(lines, [])
    nowMs = 60_000
    tell()
    assert.deepEqual(lines, ['warn 47 more like it in a minute: Request 0 failed.'])
    log('warn', 'Request 99 failed.')
    assert.equal(lines.at(-1), 'warn Request 99 failed.', 'a new minute begins anew')
  })

  it('G3: of too many kinds the rest share one, and still nothing is left out in silence', () => {
    const lines: string[] = []
    let nowMs = 0
    const { log, tell } = limitLog(
      (_level, line) => lines.push(line),
      () => nowMs,
      1,
    )
    const name = (i: number): string =>
      String.fromCharCode(
        ...String(i)
          .split('')
          .map((digit) => 97 + Number(digit)),
      )
    for (let i = 0; i < 5_000; i++) log('info', `about ${name(i)}`)
    assert.equal(lines.length, 501)
    nowMs = 60_000
    tell()
    assert.match(lines.at(-1) ?? '', /^4499 more like it in a minute/)
  })
})
