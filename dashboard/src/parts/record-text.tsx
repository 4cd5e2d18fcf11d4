/**
 * A record as it came: any text at all, on one line, whole on demand.
 */
import type { VNode } from 'preact'
import { visibleName } from '../format/names.ts'

export function RecordText({ text, isCut }: { text: string; isCut: boolean }): VNode {
  return (
    <bdi class="record" title={visibleName(text)}>
      {visibleName(text)}
      {isCut ? '…' : ''}
    </bdi>
  )
}
