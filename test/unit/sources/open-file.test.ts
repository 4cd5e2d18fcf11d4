/**
 * Files as bounded partitions: O1–O4.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ByteSource } from '../../../src/runtime/ports.ts'
import { openFile } from '../../../src/sources/file/open-file.ts'
import { StreamSource } from '../../../src/sources/file/stream-source.ts'

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

  for (const [form, , compress] of forms.slice(1)) {
    it(`O4: ${form}: is told by its first bytes, whatever its name`, async () => {
      const onDisk = compress(text)
      for (const name of ['compressed.ndjson', form === 'gzip' ? 'wrong.zst' : 'wrong.gz']) {
        const source = openFile(written(name, onDisk))
        assert.ok((await readAll(source)).equals(text), name)
        assert.equal(source.bytesTaken, onDisk.length)
      }
    })

    it(`O4: ${form}: is told on a pipe that gives a byte at a time`, async () => {
      const onDisk = compress(text)
      const drops: Uint8Array[] = Array.from(onDisk.subarray(0, 9), (byte) => Uint8Array.of(byte))
      const raw = Readable.from([...drops, onDisk.subarray(9)])
      assert.ok((await readAll(new StreamSource({ name: 'standard input', raw }))).equals(text))
    })
  }

  it('O4: what only begins like compressed input, or is shorter than that, stays as it is', async () => {
    for (const bytes of [[], [0x1f], [0x1f, 0x8b], [0x28, 0xb5, 0x2f], [0x1f, 0x8b, 0x09, 0], [0x7b, 0x7d, 0x0a]]) {
      const given = Buffer.from(bytes)
      assert.deepEqual(await readAll(openFile(written('short.ndjson', given))), given)
      const raw = Readable.from([given])
      assert.deepEqual(await readAll(new StreamSource({ name: 'standard input', raw })), given)
    }
  })

  it('O4: what is called compressed and is not is damaged', async () => {
    for (const name of ['plain.gz', 'plain.zst'])
      await assert.rejects(readAll(openFile(written(name, Buffer.from('{}\n')))), { code: 'INPUT_CORRUPT' })
  })

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
