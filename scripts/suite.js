// Runs a suite, `test/<suite>/*.<suite>.ts`, `--short` in its short form, and ends with its figures as a table. Further
// words choose files: `npm run test:faults -- --short redis quota`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { buildTests } from './build-tests.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [suite = 'faults', ...words] = process.argv.slice(2).filter(word => word !== '--short')
const files = readdirSync(join(root, 'test', suite))
  .filter(name => name.endsWith(`.${suite}.ts`) && (!words.length || words.some(word => name.includes(word))))
  .map(name => join('test', suite, name))
if (!files.length) {
  process.stderr.write(`No file of test/${suite} is named ${words.join(' or ')}.\n`)
  process.exit(1)
}

const isShort = process.argv.includes('--short')
// Times are held to their bounds in the full form only.
const jobs = !isShort || suite === 'compose' ? 1 : suite === 'security' ? 3 : 2
// A suite may prepare something else than a Postgres.
const own = join('test', suite, 'before.ts')
const groups = new Map(files.map(file => [basename(file, '.ts'), [file]]))
const built = await buildTests(groups, existsSync(join(root, own)) ? own : undefined)
const options = [
  `--jobs=${jobs}`, '--timeout=1500', '--node-arg=--enable-source-maps', `--before=${built.before}`, `--after=${built.after}`
]
const child = spawn(process.execPath, [join(root, 'scripts', 'test.js'), ...options, ...built.files], {
  cwd: root,
  env: { ...process.env, ...(isShort && { SUITE: 'short' }) },
  stdio: ['inherit', 'pipe', 'inherit']
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))

// The count of tests stays the last line: the table goes before it.
let last = ''
createInterface(child.stdout).on('line', line => {
  if (last) process.stdout.write(`${last}\n`)
  last = line
})
child.on('close', code => {
  process.stdout.write(`${toTable(figures())}\n${last}\n`)
  process.exitCode = code ?? 1
})

function figures () {
  try {
    return [...readFileSync(join(root, '.tap', 'output.tap'), 'utf8').matchAll(/^ *# figure (\{.*\})$/gm)].map(([, json]) => JSON.parse(json))
  } catch { return [] }
}

function toTable (rows) {
  const cells = rows.map(({ what, value, unit, most, ok, asserted }) =>
    [what, `${value} ${unit}`, most === undefined ? '' : `≤ ${most} ${unit}`, most === undefined ? '' : ok ? 'ok' : asserted ? 'missed' : 'missed (not held to it)'])
  const widths = [0, 1, 2].map(column => Math.max(0, ...cells.map(row => row[column].length)))
  return cells.map(row => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('')
}
