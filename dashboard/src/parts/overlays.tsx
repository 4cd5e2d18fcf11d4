import type { VNode } from 'preact'
import { page } from '../live/store.ts'
import { overlay } from '../state/overlay.ts'
import { DrillWindow } from './drill-window.tsx'
import { Help } from './help.tsx'
import { ClassWindow } from './class-window.tsx'
import { MembersWindow } from './members-window.tsx'
import { OwnRange } from './own-range.tsx'
import { SqlWindow } from './sql-window.tsx'

/** The window that lies over the page now. */
export function Overlays(): VNode | null {
  const open = overlay.value
  if (open === null) return null
  switch (open.kind) {
    case 'help':
      return <Help />
    case 'range':
      return <OwnRange />
    case 'members':
      return page.value === null ? null : <MembersWindow page={page.value} dimension={open.dimension} />
    case 'sql':
      return page.value === null ? null : <SqlWindow page={page.value} title={open.title} index={open.index} />
    case 'class':
      return <ClassWindow eventClass={open.eventClass} />
    case 'drill':
      return <DrillWindow open={open} />
  }
}
