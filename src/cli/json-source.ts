/**
 * JSON written by a person: the value, where each part of it stands, and what a plain parser would pass over in
 * silence.
 *
 * J1  The same texts are JSON, with the same values, as for `JSON.parse`; only nesting has a limit.
 * J2  A mistake is named with its line and column and with what was expected there.
 * J3  A key given twice is remembered: of two tables of one name, a person meant both.
 */
import { formatPath, type Path } from '../pipeline/check/problem.ts'

const MAX_DEPTH = 100

/** A place in a text, both numbers from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Says where a text stops being JSON. */
export class JsonSyntaxError extends Error {
  readonly position: Position

  constructor(message: string, position: Position) {
    super(message)
    this.name = 'JsonSyntaxError'
    this.position = position
  }
}

/** A JSON text that was read. */
export interface JsonSource {
  readonly value: unknown
  /** Paths of keys that are given twice in one object; the last counts. */
  readonly repeated: readonly Path[]
  /** Where the part at a path stands, or the nearest part around it that is there. */
  positionOf(path: string): Position
}

/**
 * Reads a JSON text. A byte-order mark at its start is passed over.
 *
 * @throws JsonSyntaxError
 */
export function readJson(text: string): JsonSource {
  const reader = new JsonReader(text)
  const value = reader.readWhole()
  return {
    value,
    repeated: reader.repeated,
    positionOf(path) {
      let known = path
      while (known !== '' && !reader.offsets.has(known)) known = withoutLastStep(known)
      return positionAt(text, reader.offsets.get(known) ?? 0)
    },
  }
}

function withoutLastStep(path: string): string {
  const shorter = path.replace(/(?:^|\.)[\w$]+$|\[(?:\d+|"(?:[^"\\]|\\.)*")\]$/, '')
  return shorter === path ? '' : shorter
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

class JsonReader {
  /** Path of each part to where it begins: a member at its key. */
  readonly offsets = new Map<string, number>()
  readonly repeated: Path[] = []
  private readonly text: string
  private at: number

  constructor(text: string) {
    this.text = text
    this.at = text.startsWith('\ufeff') ? 1 : 0
  }

  readWhole(): unknown {
    const value = this.readValue([])
    if (this.at < this.text.length) this.fail('the end of the text')
    return value
  }

  private readValue(path: Path): unknown {
    this.take(/[ \t\n\r]*/y)
    if (path.length > MAX_DEPTH) this.fail(`no more than ${MAX_DEPTH} levels`)
    const first = this.text[this.at]
    let value: unknown
    if (first === '{') value = this.readObject(path)
    else if (first === '[') value = this.readList(path)
    else if (first === '"') value = this.readText()
    else value = this.readPlain()
    this.take(/[ \t\n\r]*/y)
    return value
  }

  private readPlain(): unknown {
    const token = this.take(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    return token === undefined ? this.fail('a value') : JSON.parse(token)
  }

  private readText(): string {
    // oxlint-disable-next-line no-control-regex -- JSON forbids exactly these in a text
    const token = this.take(/"[^"\\\0-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1f]*)*"/y)
    return token === undefined ? this.fail('a text in double quotes, on one line') : String(JSON.parse(token))
  }

  private readObject(path: Path): unknown {
    const members = new Map<string, unknown>()
    this.readItems('{', '}', () => {
      const offset = this.at
      const key = this.readText()
      const here = [...path, key]
      if (members.has(key)) this.repeated.push(here)
      this.offsets.set(formatPath(here), offset)
      this.take(/[ \t\n\r]*/y)
      if (this.take(/:/y) === undefined) this.fail('":"')
      members.set(key, this.readValue(here))
    })
    return Object.fromEntries(members)
  }

  private readList(path: Path): unknown {
    const items: unknown[] = []
    this.readItems('[', ']', () => {
      const here = [...path, items.length]
      this.offsets.set(formatPath(here), this.at)
      items.push(this.readValue(here))
    })
    return items
  }

  private readItems(open: string, close: string, readItem: () => void): void {
    this.at += open.length
    this.take(/[ \t\n\r]*/y)
    if (this.skip(close)) return
    do {
      this.take(/[ \t\n\r]*/y)
      if (this.text[this.at] === close) this.fail(`another part after the comma, or no comma`)
      readItem()
      this.take(/[ \t\n\r]*/y)
    } while (this.skip(','))
    if (!this.skip(close)) this.fail(`"," or "${close}"`)
  }

  private skip(character: string): boolean {
    const found = this.text[this.at] === character
    if (found) this.at++
    return found
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const token = pattern.exec(this.text)?.[0]
    this.at += token?.length ?? 0
    return token
  }

  private fail(expected: string): never {
    const rest = this.text.slice(this.at, this.at + 20).split('\n', 1)[0] ?? ''
    const found = this.at >= this.text.length ? 'the text ends' : `there is ${JSON.stringify(rest)}`
    throw new JsonSyntaxError(`expected ${expected}, but ${found}`, positionAt(this.text, this.at))
  }
}
