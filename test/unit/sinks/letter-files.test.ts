/**
 * Dead-letter files by their invariants F1 to F4.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { DeadLetter } from '../../../src/runtime/ports.ts'
import {
  LETTER_FILE_LIMITS,
  LetterFiles,
  letterFiles,
  type LetterFilesOptions,
} from '../../../src/sinks/dead-letters/letter-files.ts'
import { readLetterFiles } from '../../../src/sinks/dead-letters/read-letter-files.ts'
import { isCut, letterLine, readLetterLine } from '../../../src/sinks/dead-letters/stored-letter.ts'
import { afterwards } from '../../support/afterwards.ts'

const NOON_MS = Date.UTC(2026, 0, 1, 12)

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-letters-'))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'dead-letters')
}

function open(folder: string, changed: Partial<LetterFilesOptions> = {}): LetterFiles {
  return new LetterFiles({ folder, nowMs: () => NOON_MS, log: () => undefined, ...changed })
}

function letter(position: number, bytes: Uint8Array = Buffer.from(`{"no": ${position}`)): DeadLetter {
  const head = { stream: 'impressions', partition: 'http/impressions', field: undefined } as const
  return { ...head, position, reason: 'not_json', bytes, byteLength: bytes.length, arrivalMs: NOON_MS + position }
}

const positionsIn = (folder: string): readonly number[] =>
  readLetterFiles(folder, {}, 1e6).map(({ position }) => position)

describe('dead-letter files', () => {
  it('F1: go on in the newest file, however the folder is written', async (context) => {
    const folder = newFolder(context)
    const limits = { ...LETTER_FILE_LIMITS, maxFileBytes: 1 }
    for (const [name, position] of [
      [folder, 1],
      [`${folder}/`, 2],
      [`${folder}/../dead-letters/`, 3],
    ] as const) {
      const files = open(name, { limits })
      files.write(letter(position))
      await files.close()
    }
    assert.deepEqual(
      letterFiles(folder).map((path) => path.slice(-13)),
      ['000001.ndjson', '000002.ndjson', '000003.ndjson'],
    )
    assert.deepEqual(positionsIn(folder), [3, 2, 1])
  })

  it('give back every letter as it was, the newest first, and only those asked for', async (context) => {
    const folder = newFolder(context)
    const files = open(folder)
    const bytes = Buffer.from([0xff, 0x00, 0x1b, 0x22])
    files.write(letter(1))
    files.write({ ...letter(2, bytes), byteLength: 9_000, field: 'campaign_id', reason: 'bad_utf8' })
    files.write({ ...letter(1), partition: 'http/clicks', stream: 'clicks' })
    await files.close()
    const all = readLetterFiles(folder, {}, 10)
    assert.deepEqual(
      all.map(({ partition, position }) => [partition, position]),
      [
        ['http/clicks', 1],
        ['http/impressions', 2],
        ['http/impressions', 1],
      ],
    )
    const [, cut] = all
    assert.ok(cut !== undefined && isCut(cut))
    assert.deepEqual([...cut.bytes], [...bytes])
    assert.deepEqual(
      [cut.reason, cut.field, cut.byteLength, cut.arrivalMs],
      ['bad_utf8', 'campaign_id', 9_000, NOON_MS + 2],
    )
    assert.equal(readLetterFiles(folder, { stream: 'clicks' }, 10).length, 1)
    assert.equal(readLetterFiles(folder, { reason: 'bad_utf8', fromMs: NOON_MS + 3 }, 10).length, 0)
    assert.equal(readLetterFiles(folder, { partition: 'http/impressions', position: 1 }, 10).length, 1)
    assert.equal(readLetterFiles(folder, {}, 2).length, 2)
    assert.equal(
      statSync(letterFiles(folder)[0] ?? '').mode & 0o077,
      0,
      'what users sent is readable for its owner only',
    )
  })

  it('F2: take the first record of a topic, at offset 0, and take it once', async (context) => {
    const folder = newFolder(context)
    for (let start = 0; start < 2; start++) {
      const files = open(folder)
      for (const position of [0, 1]) files.write(letter(position))
      await files.close()
      assert.deepEqual(positionsIn(folder), [1, 0])
    }
  })

  it('F1: take turns, and the oldest go', async (context) => {
    const folder = newFolder(context)
    const files = open(folder, { limits: { ...LETTER_FILE_LIMITS, maxFileBytes: 1_000, maxFiles: 3 } })
    for (let position = 1; position <= 100; position++) {
      files.write(letter(position))
      await files.close()
    }
    const paths = letterFiles(folder)
    assert.equal(paths.length, 3)
    assert.ok(paths.every((path) => statSync(path).size < 1_300))
    const positions = positionsIn(folder)
    assert.deepEqual(
      positions,
      Array.from(positions, (_, i) => 100 - i),
    )
    assert.ok(positions.length < 100, 'control: some went')
  })

  it('F2: a restart writes nothing twice, and a line that was cut by a crash takes no other with it', async (context) => {
    const folder = newFolder(context)
    const first = open(folder)
    for (let position = 1; position <= 5; position++) first.write(letter(position))
    await first.close()
    const [path = ''] = letterFiles(folder)
    appendFileSync(path, letterLine(letter(6)).slice(0, 40))
    const second = open(folder)
    for (let position = 3; position <= 8; position++) second.write(letter(position))
    await second.close()
    assert.deepEqual(positionsIn(folder), [8, 7, 6, 5, 4, 3, 2, 1])
    const rebuilt = open(folder, { startEmpty: true })
    rebuilt.write(letter(2))
    await rebuilt.close()
    assert.deepEqual(positionsIn(folder), [2])
  })

  it('F3: a flood is counted, not kept', async (context) => {
    const folder = newFolder(context)
    let nowMs = NOON_MS
    const limits = { ...LETTER_FILE_LIMITS, maxLettersPerSecond: 10 }
    const files = open(folder, { limits, nowMs: () => nowMs })
    for (let position = 1; position <= 25; position++) files.write(letter(position))
    nowMs += 1_000
    for (let position = 26; position <= 30; position++) files.write(letter(position))
    await files.close()
    assert.deepEqual([positionsIn(folder).length, files.left], [15, 15])
  })

  it('F4: a disk that takes none stops nothing, and is told', async (context) => {
    const folder = newFolder(context)
    const told: string[] = []
    const files = open(folder, { log: (level, line) => told.push(`${level}: ${line}`) })
    mkdirSync(join(folder, '000001.ndjson'))
    files.write(letter(1))
    await files.close()
    assert.equal(files.left, 1)
    assert.match(told.join('\n'), /^warn: Dead letters cannot be written to .*EISDIR/)
    rmSync(join(folder, '000001.ndjson'), { recursive: true })
    files.write(letter(2))
    await files.close()
    assert.deepEqual(positionsIn(folder), [2])
  })

  it('a line that is none of ours is passed over', () => {
    for (const line of ['', '{', 'null', '[]', '{"stream":"other"}', '{"stream":"clicks","partition":1}'])
      assert.equal(readLetterLine(line), undefined, line)
    assert.ok(readLetterLine(letterLine(letter(1))) !== undefined, 'control')
  })
})
