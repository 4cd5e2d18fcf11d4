import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { overlay } from '../state/overlay.ts'

/** A window over the page: the browser keeps the focus inside, and gives it back. */
export function Window(props: { title: string; kind: string; children: ComponentChildren }): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog
      ref={dialog}
      class={`window is-${props.kind}`}
      aria-labelledby={`window-${props.kind}`}
      onClose={() => (overlay.value = null)}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close()
      }}
    >
      <div class="window-body">
        <div class="head">
          <h2 id={`window-${props.kind}`}>{props.title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={() => dialog.current?.close()}>
            close
          </button>
        </div>
        {props.children}
      </div>
    </dialog>
  )
}
