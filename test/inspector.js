// The Inspector's command line against the built server, as a user would run it:
// node test/inspector.js <node 22 or later> <the inspector's launcher>
import { spawn, execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const [node, inspector] = process.argv.slice(2)
const dataDir = mkdtempSync(join(tmpdir(), 'fms-inspector-'))
const server = spawn(process.execPath, ['dist/server.js'], {
  env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' }, stdio: ['ignore', 'pipe', 'inherit']
})

try {
  const { url, token } = await new Promise((resolve, reject) => {
    let text = ''
    server.stdout.setEncoding('utf8').on('data', chunk => {
      text += chunk
      const [url] = /http:\/\/localhost:\d+\/mcp/.exec(text) ?? []
      const [token] = /fmcp_st_\w+/.exec(text) ?? []
      if (url && token) resolve({ url, token })
    })
    server.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    setTimeout(() => reject(new Error('the server did not start in 60 s')), 60_000).unref()
  })

  const run = promisify(execFile)
  const inspect = async (...args) => {
    const { stdout, stderr } = await run(node, [inspector, '--cli', url, '--header', `Authorization: Bearer ${token}`, ...args],
      { env: { PATH: `${dirname(node)}:${process.env.PATH}`, HOME: dataDir }, timeout: 60_000 })
    if (/warning/i.test(stderr)) throw new Error(`the Inspector warns: ${stderr}`)
    return JSON.parse(stdout)
  }

  for (const transport of ['http', 'sse']) {
    const { tools } = await inspect('--transport', transport, '--method', 'tools/list', '--strict')
    process.stdout.write(`${transport}: ${tools.length} tools, lint clean\n`)
    if (tools.length < 26) throw new Error('tools are missing')
    const { resources } = await inspect('--transport', transport, '--method', 'resources/list')
    const { prompts } = await inspect('--transport', transport, '--method', 'prompts/list')
    process.stdout.write(`${transport}: ${resources.length} resources, ${prompts.length} prompts\n`)
    if (!resources.length || prompts.length < 4) throw new Error('resources or prompts are missing')
  }
  for (const era of ['modern', 'legacy', 'auto']) {
    for (const tool of ['get_quote', 'get_bars']) {
      const { isError, structuredContent } = await inspect('--transport', 'http', '--protocol-era', era,
        '--method', 'tools/call', '--tool-name', tool, '--tool-arg', 'symbols=AAPL')
      if (isError || structuredContent.meta.provider !== 'sample') throw new Error(`${tool} failed over ${era}`)
      process.stdout.write(`${era}: ${tool} answers\n`)
    }
  }
} finally {
  const ended = new Promise(resolve => server.once('exit', resolve))
  if (server.exitCode === null && server.kill('SIGTERM')) await ended
  rmSync(dataDir, { recursive: true, force: true })
}
