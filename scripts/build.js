// Builds dist/ and dist.ui/ when a source is newer than them: `npm start` costs nothing where nothing changed.
// Types are checked by `npm run typecheck`, so that a start does not wait for them.
import { build } from 'esbuild'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildAnew } from './build-anew.js'
import { buildUi } from './build-ui.js'
import { options, packages, root } from './bundle.js'

const SOURCES = ['plugins', 'routes', 'providers', 'market', 'analysis', 'tools', 'db', 'schemas', 'vault', 'tokens', 'quota', 'cli']
/** What is started, and what the benches look into. */
const ENTRIES = [
  'server.ts', 'cli.ts', 'app.ts', 'config.ts', 'tokens/token.ts', 'db/open.ts', 'plugins/redis.ts',
  ...['key', 'memory', 'postgres', 'redis'].map(name => `plugins/cache/${name}.ts`)
]

function * sources () {
  for (const name of readdirSync(root)) if (name.endsWith('.ts')) yield join(root, name)
  yield join(root, 'package.json')
  yield fileURLToPath(import.meta.url)
  for (const folder of SOURCES) {
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      if (name.endsWith('.ts')) yield join(root, folder, name)
    }
  }
}

const force = process.argv.includes('--force')
await buildAnew({ to: join(root, 'dist'), sources: sources(), force }, async outdir => {
  await build({ ...options, entryPoints: ENTRIES, outdir, plugins: [packages] })
})
await buildUi({ force })
