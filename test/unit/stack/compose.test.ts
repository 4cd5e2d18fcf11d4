/**
 * The file for Docker Compose says what the native stack says. No engine is needed: nothing is started.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { DEFAULT_PORTS, portsFrom } from '../../../src/stack/settings.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')

interface Service {
  readonly image: string
  readonly build?: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
}

const file = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}
const services = Object.entries(file.services)

describe('docker-compose.yml', () => {
  it('names images by exact versions, those of the native stack', () => {
    const images = services.filter(([, { build }]) => build === undefined).map(([, { image }]) => image)
    for (const image of images) assert.match(image, /^[\w/-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?$/)
    const pom = (name: string): string => readFileSync(join(ROOT, 'src/stack/jars', `${name}.xml`), 'utf8')
    const [kafka, flink] = [
      /<kafka.version>(.*?)</.exec(pom('kafka'))?.[1],
      /<flink.version>(.*?)</.exec(pom('flink'))?.[1],
    ]
    assert.ok(images.includes(`apache/kafka:${kafka}`))
    assert.ok(images.includes(`flink:${flink}-java17`))
    const list = readFileSync(join(ROOT, 'src/stack/superset/requirements.txt'), 'utf8')
    assert.ok(images.includes(`apache/superset:${/^apache-superset==(\S+)/m.exec(list)?.[1]}-dev`))
  })

  it('has the connectors of the native stack', () => {
    const native = readFileSync(join(ROOT, 'src/stack/jars/flink.xml'), 'utf8')
    const connectors = readFileSync(join(ROOT, 'docker/connectors.xml'), 'utf8')
    const found = [...connectors.matchAll(/<artifactId>([\w-]+)<\/artifactId><version>([\w.-]+)</g)].slice(1)
    assert.equal(found.length, 4)
    for (const [, name, version] of found)
      assert.ok(native.includes(`<artifactId>${name}</artifactId><version>${version}</version>`), name)
  })

  it('opens the ports of the native stack, on this machine only', () => {
    const { kafka, jobManager, gateway, superset } = portsFrom(DEFAULT_PORTS.kafka, DEFAULT_PORTS.flink)
    const opened = services.flatMap(([, { ports = [] }]) => ports)
    assert.deepEqual(
      opened.toSorted(),
      [kafka, jobManager, gateway, superset, 5432].map((port) => `127.0.0.1:${port}:${port}`).toSorted(),
    )
  })

  it('has no default for any password or key', () => {
    const secrets = [...text.matchAll(/\$\{(\w+)(.*?)\}/g)]
    assert.ok(secrets.length >= 6)
    for (const [, name, rest] of secrets) assert.match(rest ?? '', /^:\?./, name)
    const generated = readFileSync(join(ROOT, 'docker/make-env'), 'utf8')
    for (const [, name = ''] of secrets) assert.ok(generated.includes(name.replace('TIDEMARK_', '')), name)
  })

  it('refers to services and volumes that are there', () => {
    for (const [name, { depends_on: needed = {}, volumes = [] }] of services) {
      for (const other of Object.keys(needed)) assert.ok(other in file.services, `${name} needs ${other}`)
      const named = volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !source.startsWith('.'))
      for (const volume of named) assert.ok(volume in file.volumes, `${name} mounts ${volume}`)
    }
  })
})
