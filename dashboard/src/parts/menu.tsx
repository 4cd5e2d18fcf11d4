import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export interface MenuItem {
  readonly text: string
  readonly run: () => void
}

/** A few actions behind one button; it closes when something else has the focus, and at Escape. */
export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }): VNode {
  const isOpen = useSignal(false)
  const holder = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isOpen.value) itemsOf(holder.current)[0]?.focus()
  }, [isOpen.value])
  const close = (): void => {
    isOpen.value = false
    holder.current?.querySelector('button')?.focus()
  }
  return (
    <div
      class="menu"
      ref={holder}
      onFocusOut={(event) => {
        if (!(event.relatedTarget instanceof Node) || holder.current?.contains(event.relatedTarget) !== true)
          isOpen.value = false
      }}
      onKeyDown={(event) => {
        if (isOpen.value) takeKey(event, holder.current, close)
      }}
    >
      <button
        type="button"
        class="quiet"
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        aria-label={label}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        more
      </button>
      {isOpen.value && <Items label={label} items={items} close={close} />}
    </div>
  )
}

function Items({ label, items, close }: { label: string; items: readonly MenuItem[]; close: () => void }): VNode {
  return (
    <div class="menu-items" role="menu" aria-label={label}>
      {items.map(({ text, run }) => (
        <button
          key={text}
          type="button"
          role="menuitem"
          tabIndex={-1}
          onClick={() => {
            close()
            run()
          }}
        >
          {text}
        </button>
      ))}
    </div>
  )
}

/** The keys of an open menu; all others are the page's. */
function takeKey(event: KeyboardEvent, holder: HTMLElement | null, close: () => void): void {
  if (event.key === 'Escape') close()
  else if (event.key === 'ArrowDown') moveFocus(holder, 1)
  else if (event.key === 'ArrowUp') moveFocus(holder, -1)
  else return
  event.preventDefault()
  event.stopPropagation()
}

function itemsOf(holder: HTMLElement | null): readonly HTMLElement[] {
  return [...(holder?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])]
}

function moveFocus(holder: HTMLElement | null, step: 1 | -1): void {
  const items = itemsOf(holder)
  const at = items.indexOf(document.activeElement as HTMLElement)
  items[(at + step + items.length) % items.length]?.focus()
}
