// Builds dist/ when a source is newer than it: `npm start` costs nothing where nothing changed.
// Types are checked by `npm run typecheck`, so that a start does not wait for them.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const SOURCES = ['plugins', 'routes', 'providers', 'market', 'analysis', 'tools', 'db', 'schemas', 'vault', 'tokens', 'quota', 'cli']

function * sources () {
  for (const name of readdirSync(root)) if (name.endsWith('.ts')) yield join(root, name)
  yield join(root, 'tsconfig.build.json')
  for (const folder of SOURCES) {
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      if (name.endsWith('.ts')) yield join(root, folder, name)
    }
  }
}

const builtAt = statSync(join(dist, '.built'), { throwIfNoEntry: false })?.mtimeMs ?? 0
if (process.argv.includes('--force') || [...sources()].some(file => statSync(file).mtimeMs > builtAt)) {
  const startedAt = new Date()
  const [made, former] = [`${dist}.${process.pid}`, `${dist}.${process.pid}.old`]
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', made], { cwd: root, stdio: 'inherit' })
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
