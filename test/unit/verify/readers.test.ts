/**
 * Files as inputs and as tables: what is read, what is refused, and what is left behind.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { TidemarkError } from '../../../src/errors.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import type { FoundTable } from '../../../src/verify/compare.ts'
import { MAX_RECORD_BYTES } from '../../../src/verify/parse-event.ts'
import { csvTables } from '../../../src/verify/readers/csv-tables.ts'
import { inputBytes } from '../../../src/verify/readers/input-file.ts'
import { lineBatches } from '../../../src/verify/readers/lines.ts'
import { recountFiles } from '../../../src/verify/readers/recount-files.ts'
import { withSpillFolder } from '../../../src/verify/readers/spill-folder.ts'

const PLAN = freezePlan(adPipeline)
const LINE = '{"impression_id": "i1", "event_timestamp": 1767261600000}\n'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-readers-'))
})
after(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function textOf(path: string): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of inputBytes(path)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function withCode(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, code)
    assert.match(error.message, text)
    return true
  }
}

describe('inputBytes', () => {
  it('reads plain, gzip and Zstandard, also of several members', async () => {
    const lines = LINE.repeat(10_000)
    assert.equal(await textOf(file('plain.ndjson', lines)), lines)
    assert.equal(await textOf(file('one.ndjson.gz', gzipSync(lines))), lines)
    assert.equal(await textOf(file('two.ndjson.gz', Buffer.concat([gzipSync(lines), gzipSync(lines)]))), lines + lines)
    assert.equal(await textOf(file('one.ndjson.zst', zstdCompressSync(lines))), lines)
  })

  it('I1: tells gzip and Zstandard by their first bytes, whatever the name', async () => {
    const lines = LINE.repeat(10_000)
    const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7])
    for (const name of ['any.ndjson', 'wrong.gz', 'wrong.zst']) {
      assert.equal(await textOf(file(name, gzipSync(lines))), lines, name)
      assert.equal(await textOf(file(name, Buffer.concat([skippable, zstdCompressSync(lines)]))), lines, name)
    }
    for (const text of ['', '{', '{}', '{}\n', '(\u00b5/']) assert.equal(await textOf(file('short', text)), text)
  })

  it('reads every frame of a Zstandard file, whatever kinds of frames and blocks it has', async () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
    const random = Array.from({ length: 300_000 }, (_, i) =>
      String.fromCharCode(32 + (((i * i * 7919) % 12_347) % 90)),
    ).join('')
    const texts = ['', 'a', LINE.repeat(10_000), 'x'.repeat(1_000_000), random, 'end']
    const plain = texts.map((text) => zstdCompressSync(text))
    const checked = texts.map((text) => zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }))
    for (const [name, frames] of Object.entries({ plain, checked })) {
      const path = file(`${name}.zst`, Buffer.concat([...frames, skippable, ...frames]))
      assert.equal(await textOf(path), texts.join('') + texts.join(''), name)
    }
  })

  it('refuses what is cut off or damaged', async () => {
    const [gzip, zstd] = [gzipSync(LINE.repeat(1_000)), zstdCompressSync(LINE.repeat(1_000))]
    for (const [name, content] of [
      ['cut.gz', gzip.subarray(0, -10)],
      ['plain.gz', Buffer.from(LINE)],
      ['cut.zst', zstd.subarray(0, -10)],
      ['second-cut.zst', Buffer.concat([zstd, zstd.subarray(0, -10)])],
      ['more.zst', Buffer.concat([zstd, Buffer.from(LINE)])],
      ['plain.zst', Buffer.from(LINE)],
    ] as const)
      await assert.rejects(textOf(file(name, content)), withCode('INPUT_CORRUPT', /cannot be decompressed/), name)
  })

  it('stops when told to', async () => {
    const stop = new AbortController()
    const pieces = inputBytes(file('long.ndjson', LINE.repeat(100_000)), stop.signal)
    assert.equal((await pieces.next()).done, false)
    stop.abort(new TidemarkError('INTERRUPTED', 'Enough.'))
    await assert.rejects(pieces.next(), withCode('INTERRUPTED', /Enough/))
  })
})

describe('lineBatches', () => {
  it('L2: holds no more of an endless line than tells that it is too long', async () => {
    const piece = Buffer.alloc(1_048_576, 'x')
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 256; i++) yield piece
      yield Buffer.from(`\n${LINE}`)
    }
    const beforeBytes = process.memoryUsage().arrayBuffers
    const lengths: number[] = []
    for await (const batch of lineBatches(endless())) lengths.push(...batch.map((line) => line.length))
    assert.deepEqual(lengths, [MAX_RECORD_BYTES + 1, LINE.length - 1, 0])
    assert.ok(process.memoryUsage().arrayBuffers - beforeBytes < 16 * 1_048_576)
  })

  it('drops white space around a record, however much of it there is', async () => {
    const space = Buffer.alloc(1_048_576, ' ')
    async function* padded(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8; i++) yield space
      yield Buffer.from('{}')
      for (let i = 0; i < 8; i++) yield space
    }
    for await (const batch of lineBatches(padded()))
      assert.deepEqual(
        batch.map((line) => Buffer.from(line).toString().trim()),
        ['{}'],
      )
  })
})

describe('recountFiles', () => {
  it('counts the lines of every file', async () => {
    const other = LINE.replace('i1', 'i2')
    const impressions = [file('a.ndjson', LINE + LINE), file('b.ndjson.gz', gzipSync(`\ufeff${other.trim()}`))]
    const { totals } = await recountFiles(PLAN, { impressions, clicks: [file('none.ndjson', '')] })
    assert.deepEqual([totals.impressions.classes.counted, totals.impressions.classes.duplicate], [2, 1])
    assert.deepEqual([totals.impressions.read, totals.clicks.read], [3, 0])
  })

  it('refuses a file that is missing or a folder before it reads any', async () => {
    for (const wrong of [join(folder, 'nowhere'), folder]) {
      const files = { impressions: [file('a.ndjson', LINE)], clicks: [wrong] }
      let steps = 0
      const work = recountFiles(PLAN, files, { onStep: () => void steps++ })
      await assert.rejects(work, withCode('INPUT_MISSING', /there is no such file|it is a folder/))
      assert.equal(steps, 0)
    }
  })
})

describe('withSpillFolder', () => {
  const folders = (): readonly string[] =>
    readdirSync(tmpdir())
      .filter((name) => name.startsWith('tidemark-verify-'))
      .toSorted()

  it('keeps texts, and leaves nothing behind', async () => {
    const held = folders()
    const text = '你好😀'.repeat(400_000)
    await withSpillFolder(async (disk) => {
      disk.append('a', text)
      disk.append('a', 'end')
      assert.equal([...disk.read('a')].join(''), `${text}end`)
      assert.equal(folders().length, held.length + 1)
    })
    assert.deepEqual(folders(), held)
  })

  it('leaves nothing behind after a failure', async () => {
    const held = folders()
    const work = withSpillFolder(async (disk) => {
      disk.append('a', 'text')
      throw new RangeError('no luck')
    })
    await assert.rejects(work, RangeError)
    assert.deepEqual(folders(), held)
  })
})

describe('a temporary folder that cannot be written', () => {
  const { TMPDIR } = process.env
  before(() => void (process.env['TMPDIR'] = join(folder, 'nowhere')))
  after(() => {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
  })

  it('is refused with a way out', async () => {
    const work = withSpillFolder(() => Promise.resolve())
    await assert.rejects(work, withCode('OUTPUT_UNWRITABLE', /nowhere" cannot be written/))
  })
})

describe('csvTables', () => {
  async function tablesIn(path: string): Promise<readonly (FoundTable & { readonly rows: readonly unknown[] })[]> {
    const tables = []
    for await (const table of csvTables(path)) {
      const rows = []
      for await (const row of table.rows) rows.push(row)
      tables.push({ ...table, rows })
    }
    return tables
  }

  function csvFolder(name: string, files: Readonly<Record<string, string>>): string {
    const path = mkdtempSync(join(folder, name))
    for (const [key, content] of Object.entries(files)) writeFileSync(join(path, key), content)
    return path
  }

  it('reads texts as they are', async () => {
    const path = csvFolder('texts', {
      'a.csv': 'name,n\n"a,""b""",1\n"two\nlines",2\n" space ",3\n"cr\r",4\n=1+1,\n',
      'b.csv': '\ufeffname,n\r\nx,1\r\n',
      'c.csv': 'name,n\n',
      'dead_letters.ndjson': '{}',
    })
    assert.deepEqual(await tablesIn(path), [
      {
        name: 'a',
        columns: ['name', 'n'],
        rows: [
          ['a,"b"', '1'],
          ['two\nlines', '2'],
          [' space ', '3'],
          ['cr\r', '4'],
          ['=1+1', ''],
        ],
      },
      { name: 'b', columns: ['name', 'n'], rows: [['x', '1']] },
      { name: 'c', columns: ['name', 'n'], rows: [] },
    ])
  })

  it('refuses a folder that is missing, and files that are no CSV', async () => {
    await assert.rejects(
      tablesIn(join(folder, 'nowhere')),
      withCode('INPUT_MISSING', /there is no such file or folder/),
    )
    for (const content of ['', 'a,b\n1\n', 'a\n"open\n'])
      await assert.rejects(tablesIn(csvFolder('bad', { 'a.csv': content })), withCode('INPUT_CORRUPT', /is not CSV/))
  })
})
