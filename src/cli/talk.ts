/**
 * What a command says on stderr while it works; data goes to stdout and never through here.
 *
 * K1  `--quiet` silences everything but errors.
 * K2  Colour and progress bars appear only on a terminal, colour never under `NO_COLOR`.
 * K3  A progress bar is one line that is rewritten, at most ten times a second, and gone when the work is done.
 */

/** Where the words go: `process.stderr`, or a stand-in. */
export interface TalkStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** How a command speaks. */
export interface Talk {
  /** One line, unless quiet. */
  say(line: string): void
  /** The command to run next, unless quiet. */
  next(command: string): void
  /** Begins a progress bar; without a terminal it shows nothing. */
  progress(label: string): Progress
  /** Wraps text in a terminal style (`1` bold, `2` dim, `32` green …) where colour is on. */
  paint(style: string, text: string): string
}

/** A running progress bar. */
export interface Progress {
  /** Shows a share of 0 to 1, or just `note` when the end is unknown (`undefined`). */
  update(share: number | undefined, note?: string): void
  /** Clears the bar. */
  end(): void
}

const REDRAW_MS = 100
const BAR_WIDTH = 24

/** Says the first admin's password, with `--quiet` too: it is shown once. */
export function tellFirstAdmin(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`  ${line}\n`)
}

/** Whether text on `stream` may carry colour. */
export function wantsColour(stream: TalkStream, env: NodeJS.ProcessEnv = process.env): boolean {
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false
  return stream.isTTY === true
}

/** How a command whose options are `options` speaks. */
export function createTalk(options: { readonly quiet?: boolean }, stream: TalkStream = process.stderr): Talk {
  const quiet = options.quiet === true
  const colour = wantsColour(stream)
  const paint = (style: string, text: string): string => (colour ? `\u001b[${style}m${text}\u001b[0m` : text)
  const say = (line: string): void => {
    if (!quiet) stream.write(`${line}\n`)
  }
  return {
    say,
    next: (command) => say(`${paint('2', 'next:')} ${command}`),
    progress: (label) => (quiet || stream.isTTY !== true ? SILENT : terminalProgress(label, stream, paint)),
    paint,
  }
}

const SILENT: Progress = { update: () => undefined, end: () => undefined }

function terminalProgress(label: string, stream: TalkStream, paint: Talk['paint']): Progress {
  let drawnAtMs = -Infinity
  let isShown = false
  const clear = '\r\u001b[2K'
  return {
    update(share, note = '') {
      const nowMs = performance.now()
      if (nowMs - drawnAtMs < REDRAW_MS) return
      drawnAtMs = nowMs
      isShown = true
      const text = [label, ...(share === undefined ? [] : [bar(share)]), note].join(' ')
      stream.write(clear + paint('2', text.slice(0, (stream.columns || 80) - 1)))
    },
    end() {
      if (isShown) stream.write(clear)
      isShown = false
    },
  }
}

function bar(share: number): string {
  const bounded = Math.min(1, Math.max(0, share))
  const filled = Math.round(bounded * BAR_WIDTH)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${String(Math.floor(bounded * 100)).padStart(3)}%`
}
