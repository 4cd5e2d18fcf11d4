/**
 * Makes folders one by one from the first that is missing.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and those above it; throws what the system says where it cannot. Node's own recursive way never
 * returns where a file system lets nothing be made and calls it "no such file", as `/proc` does.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  try {
    mkdirSync(folder)
  } catch (error) {
    // Someone else may have made it meanwhile.
    if (!existsSync(folder)) throw error
  }
}
