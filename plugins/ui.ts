import fastifyStatic from '@fastify/static'
import fp from 'fastify-plugin'
import type { FastifyReply } from 'fastify'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config.ts'

const MISSING = 'The Config UI is not built. Run `npm run build`, then load this page again.\n'
const YEAR_MS = 365 * 86_400_000

/** Wherever this module was bundled to: the package's `imports` name the folder. */
const builtUi = () => dirname(fileURLToPath(import.meta.resolve('#ui/index.html')))

export interface UiOptions {
  config: Pick<Config, 'publicUrl'>
  /** The built UI; default `dist.ui` of the package. */
  root?: string
}

/**
 * The Config UI below /ui/: its pages, each of them the same document, and their assets, which never change under one
 * name. `/` leads there. Every other path stays what it was.
 */
export default fp<UiOptions>(async (app, { config, root = builtUi() }) => {
  // A proxy may serve the server below a path, which it takes away.
  const base = config.publicUrl ? new URL(config.publicUrl).pathname.replace(/\/$/, '') : ''

  await app.register(fastifyStatic, {
    root: join(root, 'assets'),
    prefix: '/ui/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    immutable: true,
    maxAge: YEAR_MS,
    suppressWarning: true,
    schemaHide: true
  })

  const toUi = (reply: FastifyReply) => reply.header('cache-control', 'no-store').redirect(`${base}/ui/`)
  app.get('/', { schema: { hide: true } }, async (_, reply) => toUi(reply))
  app.get('/ui', { schema: { hide: true } }, async (_, reply) => toUi(reply))
  app.get('/ui/*', { schema: { hide: true } }, async (request, reply) => {
    // Read anew each time: a build beside the running server puts other assets in place.
    const page = await readFile(join(root, 'index.html'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      request.log.warn({ code: error.code }, 'the Config UI cannot be read')
    })
    reply.header('cache-control', 'no-store')
    if (page === undefined) return reply.code(503).type('text/plain; charset=utf-8').send(MISSING)
    const placed = page.replaceAll('"/ui/', `"${base}/ui/`).replace('name="base" content=""', `name="base" content="${base}"`)
    return reply.type('text/html; charset=utf-8').send(placed)
  })
}, { name: 'ui', dependencies: ['errors', 'network'] })
