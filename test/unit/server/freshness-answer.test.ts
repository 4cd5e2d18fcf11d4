import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finalAfterMs } from '../../../src/pipeline/plan.ts'
import { freshnessAnswer } from '../../../src/server/query/freshness-answer.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const afterMs = finalAfterMs(adPlan.parameters)

test('what the tables alone tell is final up to the end of a window, as the engine and every view say it', () => {
  const answerAt = (watermarkMs: number | null): unknown => {
    const { source, finalUpToMs } = freshnessAnswer(adPlan, { epoch: 7, watermarkMs, nowMs: NOON_MS }, false)
    return { source, finalUpToMs }
  }
  for (const sinceMs of [0, 1, 37_000, 59_999])
    assert.deepEqual(answerAt(NOON_MS + afterMs + sinceMs), { source: 'tables', finalUpToMs: NOON_MS })
  for (const unknown of [null, Infinity, -Infinity])
    assert.deepEqual(answerAt(unknown), { source: 'tables', finalUpToMs: null })
})
