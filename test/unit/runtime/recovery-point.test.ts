/**
 * Z1: a run goes on only from the checkpoint of the epoch that the tables hold.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recoveryPoint, recoveryRefusal } from '../../../src/runtime/recovery-point.ts'

const CASES: readonly (readonly [epoch: number, checkpoints: readonly number[], kind: string, says?: RegExp])[] = [
  [0, [], 'fresh'],
  [0, [1], 'fresh'],
  [0, [0, 1], 'fresh'],
  [7, [6, 7, 8], 'resume'],
  [1, [1], 'resume'],
  [0, [5, 6], 'database-behind', /holds no epoch, older than the oldest checkpoint \(5\)/],
  [3, [5, 6], 'database-behind', /hold epoch 3, older than the oldest checkpoint \(5\)/],
  [9, [5, 6], 'folder-behind', /hold epoch 9, but the data folder has none after checkpoint 6/],
  [9, [], 'folder-behind', /hold epoch 9, but the data folder has no checkpoint/],
  [6, [5, 7], 'checkpoint-missing', /hold epoch 6, and its checkpoint is missing/],
]

describe('where a run goes on', () => {
  for (const [epoch, checkpoints, kind, says] of CASES)
    it(`epoch ${epoch} with checkpoints [${checkpoints.join(', ')}]: ${kind}`, () => {
      const point = recoveryPoint(epoch, checkpoints)
      assert.equal(point.kind, kind)
      const error = recoveryRefusal(point, '.tidemark')
      if (says === undefined) return assert.equal(error, undefined)
      assert.equal(error?.code, 'EPOCH_MISMATCH')
      assert.match(error.message, says)
      assert.match(error.fix ?? '', /\.\/tidemark rebuild/)
    })
})
