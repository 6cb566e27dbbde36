// Builds dist/ when a source is newer than it: `npm start` costs nothing where nothing changed.
// Types are checked by `npm run typecheck`, so that a start does not wait for them.
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, writeFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'dist', '.built')
const SOURCES = ['plugins', 'routes', 'providers', 'market', 'tools', 'db', 'schemas', 'vault', 'cli']

function * sources () {
  for (const name of readdirSync(root)) if (name.endsWith('.ts')) yield join(root, name)
  yield join(root, 'tsconfig.build.json')
  for (const folder of SOURCES) {
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      if (name.endsWith('.ts')) yield join(root, folder, name)
    }
  }
}

const builtAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
if (process.argv.includes('--force') || [...sources()].some(file => statSync(file).mtimeMs > builtAt)) {
  const startedAt = new Date()
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck'], { cwd: root, stdio: 'inherit' })
  writeFileSync(stamp, startedAt.toISOString())
}
