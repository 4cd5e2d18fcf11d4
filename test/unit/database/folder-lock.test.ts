/**
 * One instance per folder: held while its process lives, and not a moment longer.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { lockFolder } from '../../../src/database/folder-lock.ts'

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark test '))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('lockFolder', () => {
  it('is held until it is released', (context) => {
    const folder = newFolder(context)
    const lock = lockFolder(folder, 'data folder')
    assert.throws(() => lockFolder(folder, 'data folder'), { code: 'DATA_DIR_BUSY', message: /this very process/ })
    lock.release()
    lock.release()
    assert.deepEqual(readdirSync(folder), [])
    lockFolder(folder, 'data folder').release()
  })

  it('passes from a dead process to the next, also when its number is in use again', (context) => {
    const folder = newFolder(context)
    const dead = spawnSync(process.execPath, ['--version']).pid
    // The second has our own number, but another start: as after the number was given out again.
    for (const pid of [dead, process.pid]) {
      writeFileSync(join(folder, 'instance.lock'), JSON.stringify({ pid, start: 'long ago' }))
      lockFolder(folder, 'data folder').release()
    }
  })

  it('is not held by a file that says nothing', (context) => {
    const folder = newFolder(context)
    for (const text of ['', 'garbage', '{}', '[]', 'null']) {
      writeFileSync(join(folder, 'instance.lock'), text)
      lockFolder(folder, 'data folder').release()
    }
  })

  it('releases only its own', (context) => {
    const folder = newFolder(context)
    const lock = lockFolder(folder, 'data folder')
    const other = JSON.stringify({ pid: 1, start: 'other' })
    writeFileSync(join(folder, 'instance.lock'), other)
    lock.release()
    assert.equal(readFileSync(join(folder, 'instance.lock'), 'utf8'), other)
  })
})
