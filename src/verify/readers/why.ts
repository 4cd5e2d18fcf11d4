/**
 * Why a file could not be read, in words.
 */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission was denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is no folder',
}

/** The reason that an error of the file system gives. */
export function whyUnreadable(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? error.message
}
