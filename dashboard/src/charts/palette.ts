/**
 * The page's colours, resolved for canvases: style sheets say what they are, here they are only read.
 */

const NAMES = [
  '--ink',
  '--muted',
  '--line',
  '--warn',
  '--paper',
  '--s0',
  '--s1',
  '--s2',
  '--s3',
  '--s4',
  '--s5',
] as const

export type ColourName = (typeof NAMES)[number]
export type Palette = Readonly<Record<ColourName, string>>

/** Reads the colours as they are within `element`. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement('span')
  element.append(probe)
  const entries = NAMES.map((name) => {
    // A custom property reads as its source text, such as light-dark(…); a colour reads resolved.
    probe.style.color = `var(${name})`
    return [name, getComputedStyle(probe).color] as const
  })
  probe.remove()
  return Object.fromEntries(entries) as Record<ColourName, string>
}

/** The colour of a slot (0 to 5, where 5 is "others"). */
export function slotColour(palette: Palette, slot: number): string {
  return palette[`--s${slot}` as ColourName] ?? palette['--muted']
}
