import type { VNode } from 'preact'
import { overlay } from '../state/overlay.ts'
import { Help } from './help.tsx'
import { OwnRange } from './own-range.tsx'

/** The window that lies over the page now. */
export function Overlays(): VNode | null {
  const open = overlay.value
  if (open === null) return null
  switch (open.kind) {
    case 'help':
      return <Help />
    case 'range':
      return <OwnRange />
    default:
      return null
  }
}
