// Builds dist/ and dist.ui/ when a source is newer than them: `npm start` costs nothing where nothing changed.
// Types are checked by `npm run typecheck`, so that a start does not wait for them.
import { build } from 'esbuild'
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildUi } from './build-ui.js'
import { options, packages, root } from './bundle.js'

const dist = join(root, 'dist')
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

const builtAt = statSync(join(dist, '.built'), { throwIfNoEntry: false })?.mtimeMs ?? 0
const force = process.argv.includes('--force')
if (force || [...sources()].some(file => statSync(file).mtimeMs > builtAt)) {
  const startedAt = new Date()
  const [made, former] = [`${dist}.${process.pid}`, `${dist}.${process.pid}.old`]
  try {
    await build({
      ...options,
      entryPoints: ENTRIES,
      outdir: made,
      plugins: [packages]
    })
    // What is edited during the build is newer than it.
    writeFileSync(join(made, '.built'), '')
    utimesSync(join(made, '.built'), startedAt, startedAt)
    // Whole or not at all: two builds may run at once, and a server may be starting from the former one.
    if (existsSync(dist)) renameSync(dist, former)
    renameSync(made, dist)
  } finally {
    rmSync(made, { recursive: true, force: true })
    rmSync(former, { recursive: true, force: true })
  }
}
await buildUi({ force })
