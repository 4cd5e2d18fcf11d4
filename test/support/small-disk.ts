/**
 * File systems in memory that are really small, so that they are really full.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards } from './afterwards.ts'

/** Whether one can be mounted here; why not where it cannot. */
export function mountProblem(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a small disk takes root on Linux'
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-mount-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
  if (status === 0) execFileSync('umount', [folder])
  rmdirSync(folder)
  return status === 0 ? undefined : 'a tmpfs cannot be mounted here'
}

export class SmallDisk {
  readonly folder: string
  readonly #ballast: string

  /** Mounts one of so many MiB; it is gone with the test. */
  constructor(context: TestContext, mebibytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'tidemark-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', this.folder])
    chmodSync(this.folder, 0o755)
    this.#ballast = join(this.folder, 'ballast')
    afterwards(context, () => {
      // Lazily: what still runs there is killed by other hooks.
      execFileSync('umount', ['-l', this.folder])
      rmdirSync(this.folder)
    })
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Puts something there that leaves only so many bytes; all gone where it is 0. */
  fill(leaveBytes: number): void {
    const block = Buffer.alloc(65_536)
    const fd = openSync(this.#ballast, 'a')
    try {
      for (let left = this.freeBytes - leaveBytes; left > 0; left = this.freeBytes - leaveBytes)
        writeSync(fd, block, 0, Math.min(left, block.length))
      fsyncSync(fd)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(fd)
    }
  }

  /** Makes room again. */
  clear(): void {
    rmSync(this.#ballast, { force: true })
  }
}
