// Runs tap and closes with `N passed, N failed` alone on a line: N counts the named tests. Without files it runs all of
// them, bundled; with files, those as they are: `npm test test/config.test.ts`.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildTests } from './build-tests.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const output = join(root, '.tap', 'output.tap')
const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs')

/** Lines shown of one failure. */
const MOST_LINES = 40
const MOST_FAILURES = 25

rmSync(output, { force: true })
// As it is installed, tap strips types by TypeScript in each process, ten times as slowly. It notices .taprc too late,
// in the middle of its first run.
if (read(createRequire(tap).resolve('@tapjs/test/test-built')).includes('@tapjs/typescript')) {
  execFileSync(process.execPath, [tap, 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}
const args = process.argv.slice(2)
const { files, before, after } = args.some(word => !word.startsWith('-')) ? { files: [] } : await buildTests()
const built = files.length ? [`--before=${before}`, `--after=${after}`, '--node-arg=--enable-source-maps', '--timeout=1500'] : []
const child = spawn(process.execPath,
  [tap, '--disable-coverage', '--reporter=terse', `--output-file=${output}`, ...built, ...args, ...files],
  { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))

child.on('close', code => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let nested = 0
  for (const line of read(output).split('\n')) {
    const [, indent, not, directive] = /^( *)(not )?ok \d+(?:.*?(# SKIP))?/i.exec(line) ?? []
    if (indent === undefined) continue
    if (indent.length === 4) counts[directive ? 'skipped' : not ? 'failed' : 'passed']++
    else if (indent.length === 0 && not) nested++
  }
  // A file that fails outside its tests counts too.
  if (code !== 0 && counts.failed === 0) counts.failed = Math.max(1, nested)
  for (const failure of failuresOf(read(output))) process.stdout.write(`\n${failure}\n`)
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : ''
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
  process.exitCode = counts.failed || counts.passed === 0 ? 1 : 0
})

/** Each failed assertion with its file, its test and what was found: at the end, where a cut log still has it. */
function failuresOf (report) {
  const failures = []
  const names = []
  let failure
  for (const line of report.split('\n')) {
    const [, indent, name] = /^( *)# Subtest: (.*)/.exec(line) ?? []
    if (name) names.splice(indent.length / 4, Infinity, name)
    const [, depth, text] = /^( *)not ok \d+ - (.*)/.exec(line) ?? []
    // Once nested, a failure is repeated for each test around it.
    const isRepeated = depth !== undefined && failures.length > 0 && names[depth.length / 4] === text.replace(/ # time=.*/, '')
    if (depth !== undefined && !isRepeated) failures.push(failure = [`not ok: ${[...names.slice(0, depth.length / 4), text].join(' > ')}`])
    else if (/^ *\.\.\.$/.test(line)) failure = undefined
    else if (failure && failure.length < MOST_LINES && !/^ *(---|ok|not ok)/.test(line)) failure.push(line.slice(0, 300))
  }
  const more = failures.length - MOST_FAILURES
  return [...failures.slice(0, MOST_FAILURES).map(lines => lines.join('\n')), ...more > 0 ? [`… ${more} more`] : []]
}

function read (file) {
  try { return readFileSync(file, 'utf8') } catch { return '' }
}
