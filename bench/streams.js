// Memory of open HTTP+SSE streams, and that a stop ends every one of them.
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { runBench } from './report.js'
import { createDataDir, runCli, startServer } from './server.js'

/** As many as one session may have. */
const PER_SESSION = 32
const SETTLE_MS = 3000
const AT_ONCE = 50

await runBench(async ({ short }) => {
  const count = short ? 100 : 1000
  const server = await startServer(await createDataDir())
  const tokens = await createSessions(server, Math.ceil(count / PER_SESSION))
  // The first streams pay for code and buffers that all share.
  for (const stream of await openStreams(server, tokens.slice(0, 1), 10)) stream.response.destroy()
  await sleep(SETTLE_MS)

  const idle = server.memory()
  const streams = await openStreams(server, tokens, count)
  await sleep(SETTLE_MS)
  const open = server.memory()
  if (streams.some(({ ended }) => ended)) throw new Error('Streams ended by themselves')

  const { code, ms } = await server.stop()
  await sleep(100)
  const left = streams.filter(({ ended }) => !ended).length
  return [
    { name: 'resident memory before the streams', value: idle / 2 ** 20, unit: 'MiB' },
    { name: `resident memory with ${count} streams`, value: open / 2 ** 20, unit: 'MiB' },
    { name: 'memory a stream', value: (open - idle) / 1024 / count, unit: 'KiB' },
    { name: 'streams that a stop left open', value: left, reach: 0, exact: true },
    { name: 'exit code of the stop', value: code, reach: 0, exact: true },
    { name: 'stop with the streams open', value: ms / 1000, unit: 's', reach: 10 }
  ]
})

async function createSessions (server, count) {
  const { token } = await runCli(server.dataDir, ['admin-token', 'create'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const [{ id }] = await (await fetch(`${server.url}/api/connections`, { headers })).json()
  const tokens = []
  while (tokens.length < count) {
    const response = await fetch(`${server.url}/api/connections/${id}/session`, { method: 'POST', headers, body: '{}' })
    if (response.status !== 201) throw new Error(`session: ${response.status} ${await response.text()}`)
    tokens.push((await response.json()).access_token)
  }
  return tokens
}

async function openStreams (server, tokens, count) {
  const streams = []
  for (let from = 0; from < count; from += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) =>
      openStream(server, tokens[Math.floor((from + i) / PER_SESSION)]))
    streams.push(...await Promise.all(batch))
  }
  return streams
}

/** Resolves with the first event. */
function openStream ({ url }, token) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
    request(`${url}/mcp`, { agent: false, headers }, response => {
      if (response.statusCode !== 200) return reject(new Error(`stream: ${response.statusCode}`))
      const stream = { response, ended: false }
      response.once('close', () => { stream.ended = true })
      response.on('error', () => {})
      response.once('data', chunk => {
        if (String(chunk).startsWith('event: endpoint')) resolve(stream)
        else reject(new Error(`stream: ${chunk}`))
      })
    }).on('error', reject).end()
  })
}
