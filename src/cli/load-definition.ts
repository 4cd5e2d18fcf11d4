/**
 * Definition files: JSON, or TypeScript and JavaScript whose default export is the definition.
 *
 * L1  Whatever is wrong with a file is a `TidemarkError` that names it: not there (`INPUT_MISSING`), not to be read as
 *     a definition (`DEFINITION_UNREADABLE`), or wrong in what it says (`DEFINITION_INVALID`, every problem at once).
 * L2  `import … from 'tidemark'` in a definition means this very program, wherever the file lies.
 */
import { readFileSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { adPipeline } from '../pipeline/ad-pipeline.ts'
import { DefinitionError, problemAt, type Problem } from '../pipeline/check/problem.ts'
import type { ParametersDefinition } from '../pipeline/definition.ts'
import type { Plan } from '../pipeline/plan.ts'
import { checkDefinition } from '../pipeline/validate.ts'
import { codeOf, messageOf, TidemarkError } from '../errors.ts'
import { importDefinition } from './import-definition.ts'
import { JsonSyntaxError, readJson, type JsonSource, type Position } from './json-source.ts'

const MODULE_EXTENSIONS = ['.ts', '.mts', '.js', '.mjs']
const MAX_BYTES = 1_000_000
const NAME_A_FILE = 'Name a file that can be read, or leave it out for the built-in ad pipeline.'
const ALLOWED = 'a file that ends in .json, .ts, .mts, .js or .mjs'

/** A definition as it was written, not yet checked. */
export interface LoadedDefinition {
  /** What messages call it: the file as the user named it, or the built-in pipeline. */
  readonly source: string
  readonly value: unknown
  /** The JSON it was read from, which knows where things stand. */
  readonly json?: JsonSource
}

/** A problem with where it stands, where that is known. */
export type PlacedProblem = Problem & Partial<Position>

/**
 * Reads a definition file; without a file, the ad pipeline.
 *
 * @throws TidemarkError `INPUT_MISSING` or `DEFINITION_UNREADABLE`
 */
export async function loadDefinition(file: string | undefined): Promise<LoadedDefinition> {
  if (file === undefined) return { source: 'the ad pipeline (built in)', value: adPipeline }
  checkFile(file)
  if (MODULE_EXTENSIONS.includes(extname(file))) return { source: file, value: await importDefinition(file) }
  if (extname(file) !== '.json') throw unreadable(file, `${file} is not a definition: it must be ${ALLOWED}.`)
  return loadJson(file)
}

/**
 * The plan of a definition file, with parameters of the command line in place of its own.
 *
 * @throws TidemarkError as {@link loadDefinition}; DefinitionError with every problem; `USAGE` where only a parameter
 * of the command line is wrong
 */
export async function loadPlanFile(file: string | undefined, parameters: ParametersDefinition = {}): Promise<Plan> {
  const loaded = await loadDefinition(file)
  const plan = planOfLoaded(loaded)
  if (Object.keys(parameters).length === 0) return plan
  const checked = checkDefinition(withParameters(loaded.value, parameters))
  if (checked.ok) return checked.plan
  const reasons = checked.problems.map((problem) => `${problem.message} Given: ${problem.given}.`)
  throw new TidemarkError('USAGE', `The parameters given do not fit: ${reasons.join(' ')}`, {
    where: loaded.source,
    fix: './tidemark plan prints the parameters of the definition itself',
  })
}

/** The plan of a loaded definition. Throws a DefinitionError with every problem. */
function planOfLoaded(loaded: LoadedDefinition): Plan {
  const checked = checkDefinition(loaded.value)
  const problems = [...repeatedKeys(loaded.json), ...(checked.ok ? [] : checked.problems)]
  if (checked.ok && problems.length === 0) return checked.plan
  const placed = problems.map((problem) => placeProblem(problem, loaded.json)).toSorted(byPosition)
  const places = placed.map(({ line, column }) => placeText(loaded.source, line, column))
  throw new DefinitionError(loaded.source, placed, places)
}

function withParameters(value: unknown, parameters: ParametersDefinition): unknown {
  const definition: Record<string, unknown> = Object.assign({}, value)
  return { ...definition, parameters: Object.assign({}, definition['parameters'], parameters) }
}

function repeatedKeys(json: JsonSource | undefined): readonly Problem[] {
  return (json?.repeated ?? []).map((path) => {
    const key = path.at(-1)
    const message = `The key "${key}" is given twice here, and only the last would count.`
    return problemAt(path, 'REPEATED', message, { given: key })
  })
}

function placeProblem(problem: Problem, json: JsonSource | undefined): PlacedProblem {
  return json === undefined ? problem : { ...problem, ...json.positionOf(problem.path) }
}

function byPosition(a: PlacedProblem, b: PlacedProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}

function placeText(source: string, line?: number, column?: number): string {
  return line === undefined ? source : `${source}:${line}:${column}`
}

function checkFile(file: string): void {
  try {
    const stats = statSync(file)
    if (!stats.isFile())
      throw new TidemarkError('INPUT_MISSING', `${file} is not a file. Allowed: ${ALLOWED}.`, {
        where: file,
        fix: NAME_A_FILE,
      })
    if (stats.size > MAX_BYTES) {
      throw unreadable(file, `${file} holds ${stats.size} bytes; a definition has at most ${MAX_BYTES}.`)
    }
  } catch (error) {
    throw error instanceof TidemarkError ? error : missing(file, error)
  }
}

function loadJson(file: string): LoadedDefinition {
  const text = readText(file)
  try {
    const json = readJson(text)
    return { source: file, value: json.value, json }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    const place = placeText(file, error.position.line, error.position.column)
    throw unreadable(place, `${place} is not JSON: ${error.message}.`)
  }
}

function readText(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw missing(file, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw unreadable(file, `${file} is not UTF-8 text.`, error)
  }
}

function missing(file: string, cause: unknown): TidemarkError {
  const isAbsent = ['ENOENT', 'ENOTDIR'].includes(codeOf(cause) ?? '')
  const reason = isAbsent ? 'is not there' : `cannot be read: ${messageOf(cause)}`
  return new TidemarkError('INPUT_MISSING', `The definition ${file} ${reason} (looked for ${resolve(file)}).`, {
    where: file,
    fix: NAME_A_FILE,
    cause,
  })
}

function unreadable(where: string, message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('DEFINITION_UNREADABLE', message, {
    where,
    fix: 'docs/definition.md shows how a definition is written.',
    cause,
  })
}
