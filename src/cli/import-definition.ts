/**
 * Definitions written as programs: the default export of a TypeScript or JavaScript module.
 *
 * While the module loads, the bare name `tidemark` stands for this program's public entry, so that a definition needs
 * no package beside it, and TypeScript is taken as an ES module whatever folder it lies in.
 */
import { registerHooks, type ResolveFnOutput } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { TidemarkError } from '../errors.ts'

const OWN_EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const PUBLIC_ENTRY = new URL(`../index.${OWN_EXTENSION}`, import.meta.url).href

/**
 * Runs a definition module and gives its default export.
 *
 * @throws TidemarkError `DEFINITION_UNREADABLE` when it does not compile, throws, or has no default export
 */
export async function importDefinition(file: string): Promise<unknown> {
  const url = pathToFileURL(resolve(file)).href
  const hooks = registerHooks({ resolve: resolveImport })
  try {
    const exports: unknown = await import(url)
    return defaultExport(file, exports)
  } catch (error) {
    throw error instanceof TidemarkError ? error : failedImport(file, url, error)
  } finally {
    hooks.deregister()
  }
}

type NextResolve = (specifier: string) => ResolveFnOutput

function resolveImport(specifier: string, _context: unknown, nextResolve: NextResolve): ResolveFnOutput {
  if (specifier === 'tidemark') return { url: PUBLIC_ENTRY, shortCircuit: true }
  const resolved = nextResolve(specifier)
  const isTypeScript = /\.m?ts$/.test(resolved.url)
  // Without a package.json beside it Node would guess the module kind, parse it twice and print a warning.
  return isTypeScript && resolved.format == null ? { ...resolved, format: 'module-typescript' } : resolved
}

function defaultExport(file: string, exports: unknown): unknown {
  if (typeof exports === 'object' && exports !== null && 'default' in exports) return exports.default
  const names = Object.keys(exports ?? {})
  const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  throw new TidemarkError('DEFINITION_UNREADABLE', `${file} has no default export: ${found}.`, {
    where: file,
    fix: 'Write: export default definePipeline({ … })',
  })
}

function failedImport(file: string, url: string, cause: unknown): TidemarkError {
  const place = placeOf(file, url, cause)
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return new TidemarkError('DEFINITION_UNREADABLE', `${place} cannot be loaded. ${reason}`, {
    where: place,
    fix: `Mend the module, then: ./tidemark validate ${file}`,
    cause,
  })
}

/** `file:line:column` of the first place in the stack that lies in the definition itself, or the file. */
function placeOf(file: string, url: string, cause: unknown): string {
  const stack = cause instanceof Error ? (cause.stack ?? '') : ''
  for (const name of [url, fileURLToPath(url)]) {
    const start = stack.indexOf(`${name}:`)
    const place = start < 0 ? null : /^:(\d+(?::\d+)?)/.exec(stack.slice(start + name.length))
    if (place !== null) return `${file}:${place[1]}`
  }
  return file
}
