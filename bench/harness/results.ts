/**
 * `bench/RESULTS.md`: one section for each part, replaced when the part is measured again. What stands between sections
 * is written by people and stays.
 */
import { figureTable, type Figure } from './figure.ts'

/** A part that was measured. */
export interface Measured {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  /** When, where, at which commit: one line. */
  readonly circumstances: string
}

/** The section of a part. */
export function sectionOf({ name, title, figures, circumstances }: Measured): string {
  const commands = [...new Set(figures.map(({ command }) => command))]
  const parts = [
    `<!-- bench:${name} -->`,
    '<!-- prettier-ignore-start -->',
    `## ${title}`,
    '',
    circumstances,
    '',
    figureTable(figures),
    '',
    '```sh',
    `npm run bench -- ${name}`,
    ...commands,
    '```',
    '<!-- prettier-ignore-end -->',
    `<!-- /bench:${name} -->`,
  ]
  return parts.join('\n')
}

/** The document with this section in the place of its former one, or at the end. */
export function withSection(document: string, name: string, section: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`]
  const start = document.indexOf(open)
  const end = document.indexOf(close)
  if (start === -1 || end < start) return `${document.trimEnd()}\n\n${section}\n`
  return document.slice(0, start) + section + document.slice(end + close.length)
}
