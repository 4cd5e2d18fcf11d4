import type { VNode } from 'preact'
import { visibleName } from '../format/names.ts'

/**
 * A name from the data: any text at all. Shown as text, isolated from the direction of what is around it, cut where it
 * is too long, and whole in its title.
 */
export function Name({ text, isOthers = false }: { text: string; isOthers?: boolean }): VNode {
  const visible = visibleName(text)
  return isOthers ? (
    <span class="name is-others">{text}</span>
  ) : (
    <bdi class="name" title={visible}>
      {visible}
    </bdi>
  )
}
