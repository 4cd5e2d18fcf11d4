/**
 * Builds the page into `dist/dashboard`, with compressed copies that the server sends as they are.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const outDir = join(import.meta.dirname, '../dist/dashboard')
const COMPRESSIBLE = /\.(?:js|css|html|svg)$/

function compressedCopies(): Plugin {
  let builtDir = outDir
  return {
    name: 'compressed-copies',
    apply: 'build',
    configResolved(config) {
      builtDir = resolve(config.root, config.build.outDir)
    },
    async closeBundle() {
      const files = await readdir(builtDir, { recursive: true })
      await Promise.all(files.filter((file) => COMPRESSIBLE.test(file)).map((file) => compress(join(builtDir, file))))
    },
  }
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file)
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes))
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes))
}

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir,
    rolldownOptions: { input: ['index.html', 'status.html'].map((file) => join(import.meta.dirname, file)) },
    emptyOutDir: true,
    target: 'es2023',
    // Nothing may be inlined: the Content-Security-Policy allows our own files only.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
  plugins: [compressedCopies()],
})
