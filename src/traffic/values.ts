/**
 * The values that fields take: everyday ones first, then the hostile ones.
 *
 * V1  A value is a code; codes below `everyday` are the ordinary values, those from it on are hostile.
 * V2  Each value knows its JSON, the same JSON with escapes it does not need, and what it must count as.
 */
import { EncodedTexts } from './encoded-texts.ts'

/** One value of a text field: what it counts as (empty: missing) and its JSON (undefined: the key is left out). */
export interface TextValue {
  readonly text: string
  readonly json: string | undefined
}

/** One value of a money field. */
export interface MoneyValue {
  readonly micros: number
  readonly json: string | undefined
}

/** Codes to JSON bytes. A value of no bytes is a key left out. */
export class FieldValues {
  readonly count: number
  /** Codes below are everyday values. */
  readonly everyday: number
  readonly json: EncodedTexts
  readonly #all: readonly string[]
  #escaped: EncodedTexts | undefined

  constructor(everyday: readonly (string | undefined)[], hostile: readonly (string | undefined)[]) {
    const all = [...everyday, ...hostile].map((json) => json ?? '')
    this.count = all.length
    this.everyday = everyday.length
    this.json = new EncodedTexts(all)
    this.#all = all
  }

  /** The JSON of each code, empty where the key is left out. */
  jsonTexts(): readonly string[] {
    return this.#all
  }

  /** The same values with needless escapes. Made when first asked for: most logs have none. */
  get escaped(): EncodedTexts {
    this.#escaped ??= new EncodedTexts(this.#all.map(escapeNeedlessly))
    return this.#escaped
  }
}

/** A text field's values. */
export class TextValues extends FieldValues {
  /** What each code counts as; empty where it is missing. */
  readonly texts: readonly string[]

  /** @param options whether there are hostile values, and whether those include the forms of a missing one */
  constructor(everyday: readonly string[], options: { readonly isHostile: boolean; readonly mayMiss: boolean }) {
    const hostile = [...HOSTILE_TEXTS.map(textValue), ...NUMBERS, ...(options.mayMiss ? MISSING : [])]
    const values = [...everyday.map(textValue), ...(options.isHostile ? hostile : [])]
    const json = values.map((value) => value.json)
    super(json.slice(0, everyday.length), json.slice(everyday.length))
    this.texts = values.map((value) => value.text)
  }
}

/** A money field's values. */
export class MoneyValues extends FieldValues {
  /** What each code counts as, in millionths. */
  readonly micros: Float64Array

  constructor() {
    super(
      CENTS.map((value) => value.json),
      ODD_MONEY.map((value) => value.json),
    )
    this.micros = Float64Array.from([...CENTS, ...ODD_MONEY], (value) => value.micros)
  }
}

/** Names that break programs which build HTML, SQL, CSV, formulas, keys or sort orders from them. */
export const HOSTILE_TEXTS: readonly string[] = [
  '<img src=x onerror=alert(1)>',
  "'; drop table x; --",
  '=1+1',
  '"',
  '你好-spring',
  'x'.repeat(512),
  'é'.repeat(256),
  '\\',
  'line\nbreak\tand\rreturn',
  'a,b',
  '__proto__',
  'unknown',
  'null',
  ' ',
  'camp-1 ',
  'CAMP-1',
  '\u007f\u0001',
  '\u2028',
  '\ue000',
  '\ufffd',
  '🚀',
  '\u00e9',
  'e\u0301',
  '\ufeffbom',
  '{}',
  '%s%n',
]

const NUMBERS: readonly TextValue[] = [
  { text: '7', json: '7' },
  { text: '-0.50e+3', json: '-0.50e+3' },
  { text: '9007199254740993', json: '9007199254740993' },
]

const MISSING: readonly TextValue[] = [
  { text: '', json: '""' },
  { text: '', json: 'null' },
  { text: '', json: undefined },
]

/** 0.01 to 0.50. */
const CENTS: readonly MoneyValue[] = Array.from({ length: 50 }, (_, index) => ({
  micros: (index + 1) * 10_000,
  json: String((index + 1) / 100),
}))

const ODD_MONEY: readonly MoneyValue[] = [
  { micros: 0, json: undefined },
  { micros: 0, json: 'null' },
  { micros: 0, json: '0' },
  { micros: 0, json: '0.0000004' },
  { micros: 1, json: '0.0000005' },
  { micros: 0, json: '-0.0000001' },
  { micros: 100_000, json: '0.10' },
  { micros: 10_000, json: '1e-2' },
  { micros: 250_000, json: '2.5E-1' },
  { micros: 333_333, json: '0.333333499999999999999999' },
  { micros: 333_334, json: '0.3333335' },
  { micros: 0, json: '1e-400' },
  { micros: 12_345_679, json: '12.3456785' },
]

function textValue(text: string): TextValue {
  return { text, json: JSON.stringify(text) }
}

/** The same JSON value with every third character of a string escaped; other values as they are. */
export function escapeNeedlessly(json: string): string {
  if (!json.startsWith('"') || json.length < 3) return json
  const text = JSON.parse(json) as string
  const units = Array.from({ length: text.length }, (_, index) => {
    const unit = text.charAt(index)
    return index % 3 === 0 ? unicodeEscape(unit) : JSON.stringify(unit).slice(1, -1)
  })
  // A surrogate pair cut by the loop above is two escapes, which JSON.stringify writes for lone surrogates anyway.
  return `"${units.join('')}"`
}

function unicodeEscape(unit: string): string {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
  return `\\u${unit.charCodeAt(0) % 2 === 0 ? hex : hex.toUpperCase()}`
}
