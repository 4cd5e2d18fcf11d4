/**
 * Texts that came from outside, as a terminal may show them.
 */
import { isUtf8 } from 'node:buffer'

const SHOWN_LENGTH = 80

/** A text cut, in quotes where it is not plain, what would steer the terminal escaped. */
export function shown(text: string | null): string {
  if (text === null) return 'nothing'
  if (/^[\w.:+-]{1,80}$/.test(text)) return text
  const cut = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
  return escaped(JSON.stringify(cut))
}

/** A text with everything that would steer the terminal escaped. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

/** Bytes as text where they are UTF-8, else as ASCII with every other byte escaped; nothing steers the terminal. */
export function shownBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return escaped(Buffer.from(bytes).toString('utf8'))
  return Array.from(bytes, (byte) => {
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }).join('')
}
