/**
 * The port to a disk: the few calls that journals and checkpoints are made of. Durable is only what a sync has confirmed.
 *
 * Calls fail with what the system says (`ErrnoException`); who calls decides what that means.
 */

/** An open file, read and written at positions. */
export interface DiskFile {
  readonly path: string
  /** Length in bytes. */
  size(): number
  /** Reads to `into` from byte `at` of the file; returns how many bytes there were, 0 at the end. */
  read(into: Uint8Array, at: number): number
  /** Writes `parts` one after the other from byte `at`; returns how many bytes were taken, which may be fewer. */
  write(parts: readonly Uint8Array[], at: number): Promise<number>
  truncate(length: number): Promise<void>
  /** Makes all that was written durable, with the length of the file. */
  sync(): Promise<void>
  close(): void
}

/** What a folder holds. */
export interface DiskEntry {
  readonly name: string
  readonly isFolder: boolean
}

export interface Disk {
  /** What is in a folder, by name; nothing where the folder does not exist. */
  list(folder: string): readonly DiskEntry[]
  /** Makes a folder in one that exists; left alone where it is there. Durable after {@link Disk.syncFolder} of its parent. */
  makeFolder(folder: string): void
  /** `create` makes a new file, or empties an old one; its name is durable after {@link Disk.syncFolder}. */
  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile
  rename(from: string, to: string): Promise<void>
  /** Removes a file; one that is gone already is no error. */
  remove(path: string): Promise<void>
  /** Makes names that appeared, changed or vanished in a folder durable. */
  syncFolder(folder: string): Promise<void>
  /** Bytes that may still be written to the file system of a folder that exists. */
  freeBytes(folder: string): number
}
