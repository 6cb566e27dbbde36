import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { areGone, createFolder, waitFor } from '../fixtures/embedded.ts'
import { buildOnce } from './process.ts'

t.before(buildOnce)

t.test('npm start is stopped by one SIGTERM to npm: it exits with 0 and leaves no process', async t => {
  const dataDir = await createFolder(t)
  const { NODE_OPTIONS: _measured, ...env } = process.env
  const npm = spawn('npm', ['start'], {
    cwd: join(import.meta.dirname, '..', '..'), env: { ...env, DATA_DIR: dataDir, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => npm.kill('SIGKILL'))
  let output = ''
  npm.stdout.setEncoding('utf8').on('data', text => { output += text })
  t.ok(await waitFor(() => /listens at/.test(output), 60_000), 'it listens')
  npm.kill('SIGTERM')
  const [code] = await once(npm, 'exit')
  t.equal(code, 0)
  t.ok(await areGone(dataDir, 5000), 'Postgres has ended')
})
