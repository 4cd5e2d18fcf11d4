/**
 * Documents that name things of the project name what is there.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT }).filter(
  (path) => !path.includes('node_modules'),
)

/** The packages in the first column of a section's table. */
function packagesListed(text: string, section: string): string[] {
  const body = text.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...body.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name)
}

/** Links of a document to files, and code that looks like a path of the project, that lead nowhere. */
function deadReferences(path: string, text: string): string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target = '']) =>
    join(dirname(path), target),
  )
  const paths = [...text.matchAll(/`((?:src|test|docs|dashboard|bench|scripts|examples)\/[\w./-]*)`/g)].map(
    ([, target = '']) => target,
  )
  return [...links, ...paths].filter((target) => !existsSync(join(ROOT, target)))
}

it('docs/dependencies.md lists exactly the packages of package.json, each once', () => {
  const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
  }
  const text = read('docs/dependencies.md')
  assert.deepEqual(packagesListed(text, 'Runtime'), Object.keys(dependencies))
  assert.deepEqual(packagesListed(text, 'Optional, by platform'), Object.keys(optionalDependencies))
})

it('versions are pinned', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) assert.match(version, /^\d+\.\d+\.\d+/, name)
})

it('documents refer to files that exist', () => {
  assert.ok(documents.includes('README.md') && documents.includes(join('docs', 'ARCHITECTURE.md')))
  assert.deepEqual(
    documents.flatMap((path) => deadReferences(path, read(path)).map((target) => `${path}: ${target}`)),
    [],
  )
})

it('control: a dead link and a dead path are found', () => {
  assert.deepEqual(deadReferences('docs/a.md', '[x](nowhere.md) `src/nowhere.ts` [y](https://a.b) `src/errors.ts`'), [
    join('docs', 'nowhere.md'),
    'src/nowhere.ts',
  ])
})

/** Folders of a tree that the table of the architecture does not name. */
function unnamedFolders(architecture: string, folders: readonly string[]): string[] {
  return folders.filter((folder) => !architecture.includes(`\`${folder}/\``))
}

it('docs/ARCHITECTURE.md names every folder of the source', () => {
  const folders = globSync('src/**/', { cwd: ROOT }).filter((path) => path !== 'src')
  assert.ok(folders.includes(join('src', 'checkpoint', 'disk')))
  assert.deepEqual(unnamedFolders(read('docs/ARCHITECTURE.md'), folders), [])
})

it('control: a folder that is not named is found', () => {
  assert.deepEqual(unnamedFolders('`src/time/`', ['src/time', 'src/tim']), ['src/tim'])
})

it('documents keep to what they promise: CONTRIBUTING fits on a page, and no machine is named', () => {
  assert.ok(read('CONTRIBUTING.md').split('\n').length <= 81)
  for (const path of documents) assert.doesNotMatch(read(path), /(?:^|[\s(`])\/(?:home|root|Users|work)\//m, path)
})
