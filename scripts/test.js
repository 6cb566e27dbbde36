// Runs tap and closes with `N passed, N failed` alone on a line: N counts the named tests.
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const output = join(root, '.tap', 'output.tap')
const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs')

rmSync(output, { force: true })
const child = spawn(process.execPath, [tap, '--reporter=terse', `--output-file=${output}`, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
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
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : ''
  process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
  process.exitCode = counts.failed || counts.passed === 0 ? 1 : 0
})

function read (file) {
  try { return readFileSync(file, 'utf8') } catch { return '' }
}
