/** Once before a run of tap: a Postgres for its tests. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareTemplate, toStateFile } from './database.ts'

// The tests of the whole process start what is built; each calls the build itself, which then does nothing.
execFileSync(process.execPath, [join(import.meta.dirname, '../scripts/build.js')])

const stateFile = toStateFile(process.ppid)
const url = process.env.TEST_DATABASE_URL
if (url) {
  await writeFile(stateFile, JSON.stringify(await prepareTemplate(url)), { mode: 0o600 })
} else {
  const script = join(import.meta.dirname, 'run-database.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, String(process.ppid), stateFile],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', text => { output += text })
  const deadline = Date.now() + 300_000
  while (!existsSync(stateFile)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill()
      throw new Error(`The Postgres of the tests did not start: ${output}`)
    }
    await sleep(20)
  }
  child.stderr.destroy()
  child.unref()
}
