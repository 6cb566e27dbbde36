/** Once after a run of tap: ends its Postgres, or drops the template where the server is not ours. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { query, toStateFile, type State } from './database.ts'

const stateFile = toStateFile(process.ppid)
if (existsSync(stateFile)) {
  const { pid, url, template } = JSON.parse(readFileSync(stateFile, 'utf8')) as State
  if (pid === undefined) {
    await query(url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`)
    rmSync(stateFile)
  } else {
    process.kill(pid, 'SIGTERM')
    for (const deadline = Date.now() + 10_000; existsSync(stateFile) && Date.now() < deadline;) await sleep(20)
  }
}
