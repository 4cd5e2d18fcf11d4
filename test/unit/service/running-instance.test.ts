/**
 * The file that says where an instance runs: found by other commands, and needed by nobody to run.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { announceInstance, findInstance } from '../../../src/service/running-instance.ts'
import { newFolder } from '../../support/live-rig.ts'

const instance = { url: 'http://127.0.0.1:1', adminUrl: 'http://127.0.0.1:2', pid: 4_711 }

describe('the file of a running instance', () => {
  it('is found while it runs, and taken back by the one that wrote it alone', (context) => {
    const folder = newFolder(context)
    const takeBack = announceInstance(folder, instance, assert.fail)
    assert.deepEqual(findInstance(folder), instance)
    const other = { ...instance, pid: 4_712 }
    const takeBackOther = announceInstance(folder, other, assert.fail)
    takeBack()
    assert.deepEqual(findInstance(folder), other)
    takeBackOther()
    assert.equal(findInstance(folder), undefined)
  })

  it('I2: one that cannot be written is told, with its path and the way out, and fails nothing', (context) => {
    const gone = join(newFolder(context), 'gone')
    const told: string[] = []
    const takeBack = announceInstance(gone, instance, (why) => told.push(why))
    takeBack()
    assert.equal(told.length, 1)
    assert.match(told[0] ?? '', /gone.instance\.json cannot be written: ENOENT.*--url/)
  })
})
