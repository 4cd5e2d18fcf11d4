/**
 * Files as bounded partitions: O1–O3.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ByteSource } from '../../../src/runtime/ports.ts'
import { openFile } from '../../../src/sources/file/open-file.ts'

let folder = ''
before(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-files-'))))
after(() => rmSync(folder, { recursive: true }))

/** 2 MB that compress well, and some that do not. */
const text = Buffer.concat([Buffer.alloc(2_000_000, 'tidemark\n'), crypto.getRandomValues(Buffer.alloc(65_536))])

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

async function readAll(source: ByteSource, onRead: () => void = () => undefined): Promise<Buffer> {
  const pieces: Buffer[] = []
  const into = new Uint8Array(100_000)
  try {
    for (let read = -1; read !== 0; onRead()) {
      read = await source.read(into, 10, into.length - 10)
      pieces.push(Buffer.from(into.subarray(10, 10 + read)))
    }
  } finally {
    await source.close()
  }
  return Buffer.concat(pieces)
}

const forms = [
  ['plain', '.ndjson', (bytes: Uint8Array): Uint8Array => bytes],
  ['gzip', '.gz', gzipSync],
  ['Zstandard', '.zst', zstdCompressSync],
] as const

describe('a file', () => {
  for (const [form, ending, compress] of forms) {
    it(`O3: ${form}: gives its bytes, and counts those on disk`, async () => {
      const onDisk = compress(text)
      const source = openFile(written(`whole${ending}`, onDisk))
      assert.equal(source.byteLength, onDisk.length)
      let most = 0
      const content = await readAll(source, () => (most = Math.max(most, source.bytesTaken / onDisk.length)))
      assert.ok(content.equals(text))
      assert.equal(most, 1)
      assert.equal(source.bytesTaken, onDisk.length)
    })
  }

  for (const [form, ending, compress] of forms.slice(1)) {
    it(`O2: ${form}: cut off, it is an error`, async () => {
      const source = openFile(written(`cut${ending}`, compress(text).subarray(0, -8)))
      await assert.rejects(readAll(source), { code: 'INPUT_CORRUPT' })
    })
  }

  // Reading one's own memory at address 0 fails in the kernel, as a bad sector does.
  it('O2: on a disk that fails, it is an error that names it', { skip: process.platform !== 'linux' }, async () => {
    await assert.rejects(readAll(openFile('/proc/self/mem')), {
      code: 'INPUT_CORRUPT',
      where: '/proc/self/mem',
      message: /EIO/,
    })
  })

  it('O1: that is missing, or a folder, is refused at once', () => {
    assert.throws(() => openFile(join(folder, 'none')), { code: 'INPUT_MISSING', message: /no such file/ })
    assert.throws(() => openFile(folder), { code: 'INPUT_MISSING', message: /a folder/ })
  })
})
