/**
 * Followed files by their invariants F1 to F4: every line once, whatever happens to the files and to us.
 */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { TidemarkError } from '../../../src/errors.ts'
import { FollowedFiles } from '../../../src/sources/file/followed-files.ts'
import { START_MS } from '../../support/change-sets.ts'
import { OwnedTime } from '../../support/owned-time.ts'
import { afterwards } from '../../support/afterwards.ts'

/** A folder, what was appended from it, and a follower that can be started anew from what was appended last. */
class Rig {
  readonly folder: string
  readonly time = new OwnedTime(START_MS)
  readonly blocks: string[] = []
  readonly problems: (string | null)[] = []
  records = 0
  failure: unknown
  readonly #path: string
  #position: Uint8Array | undefined
  #files: FollowedFiles

  constructor(context: TestContext, path: (folder: string) => string = (folder) => folder) {
    this.folder = mkdtempSync(join(tmpdir(), 'tidemark-follow-'))
    afterwards(context, () => rmSync(this.folder, { recursive: true, force: true }))
    this.#path = path(this.folder)
    this.#files = this.#start()
  }

  /** All lines appended so far. */
  get lines(): readonly string[] {
    return this.blocks.join('').split('\n').slice(0, -1)
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): void {
    appendFileSync(this.file(name), text)
  }

  restart(): void {
    this.#files = this.#start()
  }

  /** Looks until nothing more comes. */
  async look(): Promise<readonly string[]> {
    const { signal } = new AbortController()
    while (await this.#files.poll(signal));
    return this.lines
  }

  #start(): FollowedFiles {
    return new FollowedFiles({
      path: this.#path,
      append: async (lines, recordCount, position) => {
        if (this.failure !== undefined) throw this.failure
        this.blocks.push(Buffer.from(lines).toString())
        this.records += recordCount
        this.#position = position
      },
      lastPosition: this.#position,
      clock: this.time,
      pause: this.time.pause,
      onProblem: (problem) => this.problems.push(problem),
    })
  }
}

describe('followed files', () => {
  it('F1: each line once as it comes, whole, also over restarts', async (context) => {
    const rig = new Rig(context)
    rig.write('a.ndjson', 'one\ntwo\nthr')
    assert.deepEqual(await rig.look(), ['one', 'two'])
    rig.restart()
    assert.deepEqual(await rig.look(), ['one', 'two'], 'nothing again')
    rig.write('a.ndjson', 'ee\n')
    assert.deepEqual(await rig.look(), ['one', 'two', 'three'])
    assert.equal(rig.records, 3)
  })

  it('control: without what was kept in the journal everything would come again', async (context) => {
    const rig = new Rig(context)
    rig.write('a.ndjson', 'one\n')
    await rig.look()
    const another = new Rig(context, () => rig.folder)
    assert.deepEqual(await another.look(), ['one'])
  })

  it('F1, N2 of found-files, and P1 of file-positions: a file that was rotated keeps its place under its new name, and the new one begins', async (context) => {
    const rig = new Rig(context, (folder) => join(folder, 'log'))
    rig.write('log', 'one\n')
    await rig.look()
    rig.write('log', 'two\n')
    renameSync(rig.file('log'), rig.file('log.1'))
    rig.write('log', 'three\n')
    rig.write('logistics', 'of someone else\n')
    rig.restart()
    assert.deepEqual(await rig.look(), ['one', 'two', 'three'])
    renameSync(rig.file('log.1'), rig.file('log.2'))
    rig.write('log.2', 'late\n')
    assert.deepEqual(await rig.look(), ['one', 'two', 'three', 'late'])
  })

  it('F1: a file that was emptied or replaced begins anew, one that is away is waited for', async (context) => {
    const rig = new Rig(context, (folder) => join(folder, 'log'))
    assert.deepEqual(await rig.look(), [])
    rig.write('log', 'one\ntwo\n')
    await rig.look()
    truncateSync(rig.file('log'))
    rig.write('log', 'three\n')
    assert.deepEqual(await rig.look(), ['one', 'two', 'three'])
    rmSync(rig.file('log'))
    assert.deepEqual(await rig.look(), ['one', 'two', 'three'])
    writeFileSync(rig.file('log'), 'four\n')
    assert.deepEqual(await rig.look(), ['one', 'two', 'three', 'four'])
    assert.deepEqual(rig.problems, [])
  })

  it('F1: a file emptied and filled beyond where it was read is another one, by how it begins', async (context) => {
    const rig = new Rig(context, (folder) => join(folder, 'log'))
    rig.write('log', 'one\n')
    await rig.look()
    truncateSync(rig.file('log'))
    rig.write('log', 'another and longer\n')
    assert.deepEqual(await rig.look(), ['one', 'another and longer'])
  })

  it('F1: a file emptied and filled to just where it was read is read, emptied before our eyes or not', async (context) => {
    for (const isSeenEmpty of [false, true]) {
      const rig = new Rig(context, (folder) => join(folder, 'log'))
      rig.write('log', 'one\n')
      await rig.look()
      truncateSync(rig.file('log'))
      if (isSeenEmpty) await rig.look()
      rig.write('log', 'two\n')
      utimesSync(rig.file('log'), 1, isSeenEmpty ? 1 : 2)
      assert.deepEqual(await rig.look(), ['one', 'two'])
      rig.restart()
      assert.deepEqual(await rig.look(), ['one', 'two'])
    }
  })

  it('F2: a last line without a line feed counts once its file is rotated and has settled', async (context) => {
    const rig = new Rig(context)
    rig.write('a', 'one\nlast')
    await rig.look()
    rig.time.jump(60_000)
    assert.deepEqual(await rig.look(), ['one'], 'the newest file may still grow')
    rig.write('a', ' line')
    rig.write('b', 'two\n')
    assert.deepEqual(await rig.look(), ['one', 'two'])
    rig.time.jump(4_999)
    assert.deepEqual(await rig.look(), ['one', 'two'])
    rig.time.jump(1)
    assert.deepEqual(await rig.look(), ['one', 'two', 'last line'])
  })

  it('F3, and N1 of found-files: follows plain files of a folder, and leaves out hidden, compressed and unfinished ones', async (context) => {
    const rig = new Rig(context)
    mkdirSync(rig.file('sub'))
    for (const name of ['.hidden', 'old.gz', 'x.zst', 'y.tmp', 'z.partial', 'sub/deep']) rig.write(name, 'no\n')
    rig.write('a.ndjson', '\ufeffyes\r\n\n  \n')
    assert.deepEqual(await rig.look(), ['yes\r', '', '  '])
    assert.equal(rig.records, 1)
  })

  it('F4: lines that there is no room for come later, once and in order; what fails for good is told', async (context) => {
    const rig = new Rig(context)
    rig.write('a', 'one\n')
    rig.failure = new TidemarkError('DISK_FULL', 'no room', { retryable: true, fix: 'wait' })
    const looking = rig.look()
    await rig.time.pass(1_000)
    assert.deepEqual(rig.lines, [])
    rig.write('a', 'two\n')
    rig.failure = undefined
    await rig.time.pass(1_000)
    assert.deepEqual(await looking, ['one'])
    assert.deepEqual(await rig.look(), ['one', 'two'])
    rig.write('a', 'three\n')
    rig.failure = new TidemarkError('DISK_FAILED', 'gone', { fix: 'another disk' })
    await assert.rejects(rig.look(), { code: 'DISK_FAILED' })
  })

  it('G1 of growing-file: reads long lines whole, and cuts one without end into pieces', async (context) => {
    const rig = new Rig(context)
    const long = 'x'.repeat(3 << 20)
    rig.write('a', `one\n${long}\ntwo\n`)
    assert.deepEqual(
      (await rig.look()).map(({ length }) => length),
      [3, long.length, 3],
    )
    rig.write('b', 'y'.repeat((1 << 24) + 10))
    rig.write('b', '\n')
    assert.deepEqual(
      (await rig.look()).slice(3).map(({ length }) => length),
      [1 << 24, 10],
    )
  })
})
