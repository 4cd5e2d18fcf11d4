/**
 * A disk in memory behind the `Disk` port: calls fail as told, and a loss of power keeps only what was synced for
 * certain.
 *
 * What a real disk may do, this one does by chance: writes that were not synced survive by sectors, in any mixture,
 * with zeros in between; a file that grew ends anywhere; names that were not synced appear, or not, in any mixture.
 */
import { dirname } from 'node:path'
import type { Disk, DiskEntry, DiskFile } from '../../src/checkpoint/disk/disk.ts'

const SECTOR_BYTES = 512

export type DiskCallKind =
  'create' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'makeFolder' | 'syncFolder' | 'read'

/** One call that a fault can strike; reads are not numbered. */
export interface DiskCall {
  readonly kind: DiskCallKind
  readonly path: string
  /** From 1. */
  readonly number: number
}

/**
 * What goes wrong: an error of the system, after `takenBytes` of a write were taken; or fewer bytes without an error.
 */
export interface DiskFault {
  readonly code?: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'POWER'
  readonly takenBytes?: number
}

interface Inode {
  bytes: Uint8Array
  durable: Uint8Array
}

interface NameChange {
  readonly folders: readonly string[]
  readonly apply: (names: Names) => void
}

interface Names {
  readonly files: Map<string, Inode>
  readonly folders: Set<string>
}

/** From 0 to 1, as `Math.random`, but repeatable. */
export type Random = () => number

/** A repeatable source of chance. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export class SimulatedDisk implements Disk {
  /** Asked before each call that is numbered. */
  fault: (call: DiskCall) => DiskFault | undefined = () => undefined
  /** Awaited before a sync takes effect, so that a test can hold it back. */
  beforeSync: () => Promise<void> = () => Promise.resolve()
  free = 1e12
  callCount = 0
  readonly counts: Map<DiskCallKind, number> = new Map<DiskCallKind, number>()
  #names: Names
  #durable: Names
  #pending: NameChange[] = []
  #isDown = false

  constructor(names: Names = { files: new Map(), folders: new Set(['/', '/data']) }) {
    this.#names = names
    this.#durable = { files: new Map(names.files), folders: new Set(names.folders) }
  }

  /** What is left after a loss of power. The disk itself answers nothing any more. */
  afterPowerLoss(random: Random): SimulatedDisk {
    this.#isDown = true
    const names: Names = { files: new Map(this.#durable.files), folders: new Set(this.#durable.folders) }
    const mode = random()
    const keep = (): boolean => (mode < 0.2 ? false : mode < 0.4 ? true : random() < 0.5)
    for (const { apply } of this.#pending) if (keep()) apply(names)
    for (const [path, inode] of names.files) {
      const bytes = survivingBytes(inode, random)
      names.files.set(path, { bytes, durable: bytes.slice() })
    }
    return new SimulatedDisk(names)
  }

  /** The same contents on a disk of its own, as after the process was killed. */
  copy(): SimulatedDisk {
    const files = new Map([...this.#names.files].map(([path, { bytes }]) => [path, inodeOf(bytes.slice())]))
    return new SimulatedDisk({ files, folders: new Set(this.#names.folders) })
  }

  /** Paths of all files, sorted. */
  paths(): readonly string[] {
    return [...this.#names.files.keys()].sort()
  }

  /** The bytes of a file, to be looked at or, with {@link SimulatedDisk.put}, tampered with. */
  bytes(path: string): Uint8Array {
    return this.#inode(path).bytes
  }

  put(path: string, bytes: Uint8Array): void {
    this.#names.files.set(path, inodeOf(bytes))
  }

  delete(path: string): void {
    this.#names.files.delete(path)
  }

  list(folder: string): readonly DiskEntry[] {
    const entries: DiskEntry[] = []
    for (const path of this.#names.files.keys())
      if (dirname(path) === folder) entries.push({ name: path.slice(folder.length + 1), isFolder: false })
    for (const path of this.#names.folders)
      if (dirname(path) === folder && path !== '/')
        entries.push({ name: path.slice(folder.length + 1), isFolder: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  makeFolder(folder: string): void {
    if (!this.#names.folders.has(dirname(folder))) throw systemError('ENOENT', folder)
    if (this.#names.folders.has(folder)) return
    this.#strike('makeFolder', folder)
    this.#change([dirname(folder)], (names) => names.folders.add(folder))
  }

  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile {
    if (mode === 'create') {
      this.#strike('create', path)
      const known = this.#names.files.get(path)
      if (known !== undefined) known.bytes = new Uint8Array()
      else {
        const inode = inodeOf(new Uint8Array())
        this.#change([dirname(path)], (names) => names.files.set(path, inode))
      }
    }
    return this.#fileOf(path, this.#inode(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await Promise.resolve()
    this.#strike('rename', to)
    this.#inode(from)
    this.#change([dirname(from), dirname(to)], ({ files }) => {
      const inode = files.get(from)
      if (inode === undefined) return
      files.delete(from)
      files.set(to, inode)
    })
  }

  async remove(path: string): Promise<void> {
    await Promise.resolve()
    this.#strike('remove', path)
    this.#change([dirname(path)], ({ files }) => files.delete(path))
  }

  async syncFolder(folder: string): Promise<void> {
    await this.beforeSync()
    this.#strike('syncFolder', folder)
    const rest: NameChange[] = []
    for (const change of this.#pending) {
      if (change.folders.includes(folder)) change.apply(this.#durable)
      else rest.push(change)
    }
    this.#pending = rest
  }

  freeBytes(): number {
    return this.free
  }

  #fileOf(path: string, inode: Inode): DiskFile {
    return {
      path,
      size: () => inode.bytes.length,
      read: (into, at) => {
        if (this.#isDown) throw systemError('POWER', path)
        const found = inode.bytes.subarray(at, at + into.length)
        into.set(found)
        return found.length
      },
      write: async (parts, at) => {
        const bytes = new Uint8Array(Buffer.concat(parts))
        await Promise.resolve()
        return this.#write(path, inode, bytes, at)
      },
      truncate: async (length) => {
        await Promise.resolve()
        this.#strike('truncate', path)
        inode.bytes = inode.bytes.slice(0, length)
      },
      sync: async () => {
        await this.beforeSync()
        this.#strike('sync', path)
        inode.durable = inode.bytes.slice()
      },
      close: () => undefined,
    }
  }

  #write(path: string, inode: Inode, bytes: Uint8Array, at: number): number {
    const fault = this.#ask('write', path)
    const taken = Math.min(bytes.length, fault === undefined ? bytes.length : (fault.takenBytes ?? 0))
    const grown = new Uint8Array(Math.max(inode.bytes.length, taken === 0 ? 0 : at + taken))
    grown.set(inode.bytes)
    grown.set(bytes.subarray(0, taken), at)
    inode.bytes = grown
    if (fault?.code !== undefined) throw systemError(fault.code, path)
    return taken
  }

  #strike(kind: DiskCallKind, path: string): void {
    const fault = this.#ask(kind, path)
    if (fault?.code !== undefined) throw systemError(fault.code, path)
  }

  #ask(kind: DiskCallKind, path: string): DiskFault | undefined {
    if (this.#isDown) return { code: 'POWER' }
    this.callCount++
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    const fault = this.fault({ kind, path, number: this.callCount })
    if (fault?.code === 'POWER') this.#isDown = true
    return fault
  }

  #change(folders: readonly string[], apply: (names: Names) => void): void {
    apply(this.#names)
    this.#pending.push({ folders, apply })
  }

  #inode(path: string): Inode {
    const inode = this.#names.files.get(path)
    if (inode === undefined) throw systemError('ENOENT', path)
    return inode
  }
}

function inodeOf(bytes: Uint8Array): Inode {
  return { bytes, durable: bytes.slice() }
}

function survivingBytes({ bytes, durable }: Inode, random: Random): Uint8Array {
  const mode = random()
  if (mode < 0.15) return durable.slice()
  if (mode < 0.3) return bytes.slice()
  const [least, most] = [Math.min(bytes.length, durable.length), Math.max(bytes.length, durable.length)]
  const survived = new Uint8Array(least + Math.floor(random() * (most - least + 1)))
  for (let start = 0; start < survived.length; start += SECTOR_BYTES) {
    const end = Math.min(survived.length, start + SECTOR_BYTES)
    const from = random() < 0.5 ? bytes : durable
    survived.set(from.subarray(start, end), start)
  }
  return survived
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code })
}
