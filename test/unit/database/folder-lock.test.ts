/**
 * One instance per folder: held while its process lives, and not a moment longer.
 */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { lockFolder } from '../../../src/database/folder-lock.ts'
import { afterwards } from '../../support/afterwards.ts'

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark test '))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A process of its own that asks for the lock whenever it is told to. */
class Racer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>

  constructor(context: TestContext, folder: string) {
    const script = `
      import { lockFolder } from ${JSON.stringify(new URL('../../../src/database/folder-lock.ts', import.meta.url).href)}
      setInterval(() => globalThis.gc(), 20)
      process.stdin.on('data', () => {
        try {
          lockFolder(${JSON.stringify(folder)}, 'data folder')
          process.stdout.write('held')
        } catch (error) {
          process.stdout.write(error.code)
        }
      })
      process.stdout.write('ready')`
    this.#child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    afterwards(context, () => this.kill())
  }

  /** The next it says: `ready`, then `held` or the code of an error. */
  async says(): Promise<string> {
    const said: unknown[] = await once(this.#child.stdout, 'data')
    return String(said[0])
  }

  ask(): void {
    this.#child.stdin.write('go')
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

describe('lockFolder', () => {
  it('is held until it is released', (context) => {
    const folder = newFolder(context)
    const lock = lockFolder(folder, 'data folder')
    assert.throws(() => lockFolder(folder, 'data folder'), { code: 'DATA_DIR_BUSY', message: /this very process/ })
    lock.release()
    lock.release()
    assert.deepEqual(readdirSync(folder), ['running.lock'])
    lockFolder(folder, 'data folder').release()
  })

  it('L1: of many that ask at once one gets it, and its death passes it on', async (context) => {
    const folder = newFolder(context)
    let racers = Array.from({ length: 6 }, () => new Racer(context, folder))
    await Promise.all(racers.map((racer) => racer.says()))
    // The first round starts on an empty folder, the others on what a killed holder left.
    while (racers.length > 0) {
      const answers = Promise.all(racers.map((racer) => racer.says()))
      for (const racer of racers) racer.ask()
      const said = await answers
      assert.deepEqual(said.toSorted(), [...Array.from(racers.slice(1), () => 'DATA_DIR_BUSY'), 'held'])
      assert.throws(() => lockFolder(folder, 'data folder'), { code: 'DATA_DIR_BUSY', message: /process \d+/ })
      await racers[said.indexOf('held')]?.kill()
      racers = racers.filter((_, i) => said[i] !== 'held')
    }
  })

  it('L2: is not held by what files say', (context) => {
    const folder = newFolder(context)
    for (const text of ['', 'garbage', `${process.pid}\n`, '1\n']) {
      writeFileSync(join(folder, 'running.pid'), text)
      lockFolder(folder, 'data folder').release()
    }
  })

  it('says so where the folder is not ours to use', (context) => {
    const folder = newFolder(context)
    writeFileSync(join(folder, 'running.lock'), 'somebody else wrote here')
    assert.throws(() => lockFolder(folder, 'data folder'), { code: 'DATA_DIR_UNUSABLE', fix: /running\.lock/ })
  })

  it('says so where the folder belongs to another user', (context) => {
    const folder = newFolder(context)
    // Once the lock file is there but may only be read, once it is not there and cannot be made.
    for (const isThere of [false, true]) {
      if (isThere) lockFolder(folder, 'data folder').release()
      asAnotherUser(folder, () =>
        assert.throws(() => lockFolder(folder, 'data folder'), { code: 'DATA_DIR_UNUSABLE', where: folder }),
      )
    }
    lockFolder(folder, 'data folder').release()
  })
})

/** Does `work` as a user who may read `folder`, and write nothing there. */
function asAnotherUser(folder: string, work: () => void): void {
  const asRoot = process.geteuid?.() === 0
  chmodSync(folder, asRoot ? 0o755 : 0o555)
  const files = readdirSync(folder).map((name) => join(folder, name))
  for (const file of files) chmodSync(file, asRoot ? 0o644 : 0o444)
  if (asRoot) process.seteuid?.(65_534)
  try {
    work()
  } finally {
    if (asRoot) process.seteuid?.(0)
    chmodSync(folder, 0o755)
    for (const file of files) chmodSync(file, 0o644)
  }
}
