// What esbuild is told of dist/ and of the tests alike.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Packages of hundreds of small modules: one file each starts a process in half the time. */
const BUNDLED = [
  'typebox', 'kysely', 'zod', '@modelcontextprotocol/server', '@modelcontextprotocol/core',
  '@modelcontextprotocol/client', '@modelcontextprotocol/sdk', 'lru-cache'
]

export const options = {
  absWorkingDir: root,
  outbase: root,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning'
}

/** All other packages stay in node_modules. */
export const packages = {
  name: 'packages',
  setup ({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      const isBundled = kind === 'entry-point' || BUNDLED.some(name => path === name || path.startsWith(`${name}/`))
      return isBundled ? undefined : { path, external: true }
    })
  }
}
