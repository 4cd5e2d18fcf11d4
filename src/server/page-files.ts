/**
 * The built page as files.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Where `vite build dashboard` puts the page. */
export const BUILT_PAGE: string = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))

/** Serves the page of a folder, or says how to build it. */
export async function addPageFiles(app: FastifyInstance, assetsDir: string): Promise<void> {
  if (existsSync(`${assetsDir}/index.html`)) await addBuiltPage(app, assetsDir)
  else
    app.get('/', (_request, reply) =>
      reply.code(503).type('text/plain; charset=utf-8').send('The page is not built. Run: npx vite build dashboard\n'),
    )
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: 'not_found', message: 'There is nothing here.' }),
  )
}

async function addBuiltPage(app: FastifyInstance, assetsDir: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: assetsDir,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      // Names of built files hold a hash of their content; everything else may change with the next build.
      const isHashed = path.startsWith(join(assetsDir, 'assets', '/'))
      void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
  })
  app.get('/status', (_request, reply) => reply.sendFile('status.html'))
}
