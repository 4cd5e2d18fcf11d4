/**
 * The folder of a journal partition: a name that every file system takes, different for different partitions.
 *
 * N1  Different partitions have different folders, also where upper and lower case are one.
 * N2  It has at most 140 characters of `a-z 0-9 . _ - % A-F ~` and does not begin with a dot.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

const MAX_PLAIN_CHARS = 140
const KEPT_CHARS = 100

/** A partition's name as ASCII, the form in which files hold it. @throws RangeError for half a surrogate pair or '' */
export function asciiOfName(name: string): string {
  try {
    if (name !== '') return encodeURIComponent(name)
  } catch {
    // Only half a surrogate pair cannot be encoded.
  }
  throw new RangeError(`not a partition name: ${JSON.stringify(name)}`)
}

/** The name of the folder of a partition. @throws RangeError for a name that is empty or not well-formed */
export function partitionFolder(name: string): string {
  const ascii = asciiOfName(name)
  let folder = ''
  for (const char of name) folder += folder === '' && char === '.' ? '%2E' : safe(char)
  if (folder.length <= MAX_PLAIN_CHARS) return folder
  const digest = bytesToHex(sha256(utf8ToBytes(ascii)))
  return `${folder.slice(0, KEPT_CHARS)}~${digest.slice(0, MAX_PLAIN_CHARS - KEPT_CHARS - 1)}`
}

/** The name of the partition in a folder, as far as the folder's name tells it: that of a long one is cut. */
export function nameOfFolder(folder: string): string {
  try {
    return folder.includes('~') ? folder : decodeURIComponent(folder)
  } catch {
    return folder
  }
}

function safe(char: string): string {
  if (/[a-z0-9._-]/.test(char)) return char
  const code = char.codePointAt(0) ?? 0
  return code < 0x80 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(char)
}
