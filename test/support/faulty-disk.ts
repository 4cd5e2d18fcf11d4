/**
 * The disk of this machine, on which single calls fail as told.
 */
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import type { Disk, DiskFile } from '../../src/checkpoint/disk/disk.ts'
import type { DiskFault } from './simulated-disk.ts'

export type FaultyCall = 'create' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'syncFolder'

export class FaultyDisk implements Disk {
  /** Asked before each of these calls. */
  fault: (kind: FaultyCall, path: string) => DiskFault | undefined = () => undefined
  /** Faults that struck. */
  struck = 0
  /** Calls since the first fault struck, that fault not among them. */
  callsAfter = 0
  /** Free bytes to tell of, where not those of the machine. */
  free: number | undefined

  readonly list = (folder: string): ReturnType<Disk['list']> => nodeDisk.list(folder)
  readonly makeFolder = (folder: string): void => nodeDisk.makeFolder(folder)
  readonly freeBytes = (folder: string): number => this.free ?? nodeDisk.freeBytes(folder)

  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile {
    if (mode === 'create') this.#strike('create', path)
    const file = nodeDisk.open(path, mode)
    return {
      path,
      size: () => file.size(),
      read: (into, at) => file.read(into, at),
      close: () => file.close(),
      write: (parts, at) => this.#write(file, parts, at),
      truncate: async (length) => {
        this.#strike('truncate', path)
        await file.truncate(length)
      },
      sync: async () => {
        this.#strike('sync', path)
        await file.sync()
      },
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#strike('rename', to)
    await nodeDisk.rename(from, to)
  }

  async remove(path: string): Promise<void> {
    this.#strike('remove', path)
    await nodeDisk.remove(path)
  }

  async syncFolder(folder: string): Promise<void> {
    this.#strike('syncFolder', folder)
    await nodeDisk.syncFolder(folder)
  }

  async #write(file: DiskFile, parts: readonly Uint8Array[], at: number): Promise<number> {
    const fault = this.#ask('write', file.path)
    if (fault === undefined) return file.write(parts, at)
    const taken = Buffer.concat(parts).subarray(0, fault.takenBytes ?? 0)
    const written = taken.length === 0 ? 0 : await file.write([taken], at)
    if (fault.code !== undefined) throw systemError(fault.code, file.path)
    return written
  }

  #strike(kind: FaultyCall, path: string): void {
    const fault = this.#ask(kind, path)
    if (fault?.code !== undefined) throw systemError(fault.code, path)
  }

  #ask(kind: FaultyCall, path: string): DiskFault | undefined {
    const fault = this.fault(kind, path)
    if (fault !== undefined) this.struck++
    else if (this.struck > 0) this.callsAfter++
    return fault
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: made by a test, '${path}'`), { code })
}
