// Runs every bench in turn, each in a process of its own, and closes with all their figures: `npm run bench`.
// `--short` runs a short form of each: what is exact must hold, what depends on the machine may not be off by far.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printFigures } from './report.js'

const BENCHES = ['startup', 'throughput', 'tokens', 'stampede', 'cache', 'streams', 'bad-tokens']

const here = dirname(fileURLToPath(import.meta.url))
const figures = []
for (const name of BENCHES) {
  console.log(`\n${name}`)
  const child = spawn(process.execPath, [join(here, `${name}.js`), ...process.argv.slice(2)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.on('message', found => {
    printFigures(found)
    figures.push(...found.map(figure => figure.name ? { ...figure, name: `${name}: ${figure.name}` } : figure))
  })
  const [code] = await once(child, 'close')
  if (code !== 0) process.exitCode = 1
}
console.log('\nAll figures, beside what they may be at most\n')
printFigures(figures)
