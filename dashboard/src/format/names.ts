/**
 * Names from the data as people can safely read them.
 */

// Control characters, and format characters that reorder or hide text. Joiners stay: scripts and emoji need them.
const INVISIBLE = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/**
 * A name with everything shown that would otherwise not be seen: a right-to-left override is `‹U+202E›`, a name of
 * nothing but white space shows it.
 */
export function visibleName(name: string): string {
  if (name.trim() === '') return name.replaceAll(/\s/gu, '␣')
  return name.replaceAll(INVISIBLE, (text) => `‹U+${text.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}›`)
}
