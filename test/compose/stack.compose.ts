/** The stack as an operator gets it: up in one command, served over TLS, closed on every other side. */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { figure } from '../figures.ts'
import { CLIENTS } from '../mcp-clients.ts'
import { docker, IMAGE, needsEngine, needsTime } from './engine.ts'
import { startStack, type Stack } from './stack.ts'

const MEGABYTE = 1_000_000
/** A program inside of the image, which has no shell. */
const NODE = ['node', '-e']

t.test('the image', { ...needsEngine, timeout: 1_200_000 }, async t => {
  const [{ Size: size, Config: config }] = JSON.parse(await docker('inspect', IMAGE)) as [any]
  figure(t, { what: 'image: size', value: size / MEGABYTE, unit: 'MB', most: 250 })
  t.match(config, { User: '10001:10001', StopSignal: 'SIGTERM', Healthcheck: { Test: ['CMD', 'node', 'scripts/healthcheck.js'] } })
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  t.equal(config.Labels['org.opencontainers.image.version'], version)
  t.match(await docker('run', '--rm', IMAGE, 'node', '--version'), /^v24\./)
  for (const program of ['sh', 'npm', 'apt-get']) {
    await t.rejects(docker('run', '--rm', IMAGE, program), /executable file not found/, `there is no ${program}`)
  }
  await t.rejects(docker('run', '--rm', '--read-only', IMAGE), /Set DATABASE_URL: this installation has no Postgres of its own/)
})

async function assertServed (t: Test, { url, token, fetch }: Stack): Promise<void> {
  for (const [kind, open] of Object.entries(CLIENTS)) {
    const client = await open(new URL(`${url}/mcp`), { authorization: `Bearer ${token}` }, { fetch })
    t.ok((await client.listTools()).tools.some(({ name }) => name === 'get_quote'), `${kind}: lists the tools`)
    const answer = await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
    t.match(answer, { structuredContent: { data: { quotes: [{ symbol: 'AAPL' }] }, meta: { provider: 'sample' } } }, `${kind}: calls get_quote`)
    await client.close()
  }
}

t.test('the whole stack', { ...needsEngine, timeout: 900_000 }, async t => {
  const stack = await startStack(t, ['compose.yaml'])
  figure(t, { what: 'compose.yaml: seconds from up to the first good answer over TLS', value: stack.seconds, unit: 's' })

  await t.test('serves the official clients over the TLS of its own authority', t => assertServed(t, stack))

  await t.test('its server runs as nobody in particular, may nothing, and writes nowhere', async t => {
    const inside = async (code: string) => (await docker('exec', await stack.container('app'), ...NODE, code)).trim()
    const status = await inside('console.log(require("fs").readFileSync("/proc/1/status", "utf8"))')
    t.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m)
    t.match(status, /^CapPrm:\t0+$/m)
    t.match(status, /^CapBnd:\t0+$/m)
    t.match(status, /^NoNewPrivs:\t1$/m)
    for (const file of ['/app/x', '/x', '/app/dist/server.js']) {
      t.equal(await inside(`try { require("fs").writeFileSync("${file}", "") } catch (error) { console.log(error.code) }`), 'EROFS', file)
    }
    const { HostConfig } = await stack.inspect('app')
    t.match(HostConfig, { ReadonlyRootfs: true, Privileged: false, PidsLimit: 128, Memory: 768 * 1024 * 1024 })
  })

  await t.test('every container is without the capabilities that it does not need, and limited', async t => {
    for (const service of ['app', 'caddy', 'postgres', 'redis']) {
      const { HostConfig } = await stack.inspect(service)
      t.match(HostConfig, { ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: [/^no-new-privileges/] }, service)
      t.ok(HostConfig.Memory > 0 && HostConfig.PidsLimit > 0, service)
    }
  })

  await t.test('only Caddy is published, on loopback', async t => {
    for (const service of ['app', 'caddy', 'postgres', 'redis']) {
      const { NetworkSettings: { Ports } } = await stack.inspect(service)
      const lists = Object.values(Ports as Record<string, { HostIp: string }[] | null>)
      const published = lists.flatMap(ports => ports ?? [])
      t.same(published.map(({ HostIp }) => HostIp), service === 'caddy' ? ['127.0.0.1', '127.0.0.1'] : [], service)
    }
  })

  await t.test('whoever is beside Caddy cannot reach Postgres and Redis, and these nothing outside', async t => {
    const { NetworkSettings: { Networks: outer } } = await stack.inspect('caddy')
    const network = Object.keys(outer)[0]!
    // A neighbour of Caddy's and the server's.
    const tryAll = async (targets: string[]) => JSON.parse(await docker('run', '--rm', '--network', network, IMAGE, ...NODE, `
      const attempt = target => new Promise(resolve => {
        const [host, port] = target.split(':')
        const socket = require('net').connect({ host, port, timeout: 3000 }, () => resolve('open'))
        socket.on('error', error => resolve(error.code)).on('timeout', () => resolve('timeout'))
      })
      Promise.all(${JSON.stringify(targets)}.map(attempt)).then(found => { console.log(JSON.stringify(found)); process.exit() })
    `)) as string[]
    const addresses = await Promise.all([['postgres', 5432], ['redis', 6379]].map(async ([service, port]) => {
      const { NetworkSettings: { Networks } } = await stack.inspect(String(service))
      t.equal(Object.keys(Networks).length, 1, `${service} is on one network`)
      t.notOk(network in Networks)
      return `${(Object.values(Networks)[0] as { IPAddress: string }).IPAddress}:${port}`
    }))
    const found = await tryAll(['app:3000', 'postgres:5432', 'redis:6379', ...addresses])
    t.equal(found[0], 'open', 'the server is a neighbour')
    t.notOk(found.slice(1).includes('open'), `what is behind it is not: ${found.slice(1)}`)
    const { NetworkSettings: { Networks } } = await stack.inspect('redis')
    const [inner] = JSON.parse(await docker('network', 'inspect', Object.keys(Networks)[0]!)) as [{ Internal: boolean }]
    t.equal(inner.Internal, true)
  })

  await t.test('Caddy keeps tokens out of its log, and says itself where a request came from', async t => {
    const { url, token, fetch } = stack
    const headers = { authorization: `Bearer ${token}` }
    const hidden = [`/mcp/connect/${token}`, `/mcp/%63onnect/${token}`, `/mcp?token=${token}`, `/api/whoami?access_token=${token}`]
    for (const path of hidden) await (await fetch(url + path, { headers: { ...headers, referer: `${url}/${token}` } })).text()
    const forged = { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.7', forwarded: 'for=203.0.113.7' }
    t.equal((await fetch(`${url}/api/tools/get_quote?symbols=MSFT`, { headers: { ...headers, ...forged } })).status, 200)
    const name = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }
    const refused = await fetch(`${url}/mcp`, { method: 'POST', headers: name })
    t.match(refused.headers.get('www-authenticate'), `resource_metadata="${url}/`, 'the forged name is not taken')
    await new Promise(resolve => setTimeout(resolve, 2500))
    const log = await stack.logs('caddy')
    t.match(log, /"uri":"\/mcp\/connect\/\*\*\*"/)
    t.match(log, /"uri":"\/api\/tools\/get_quote\?\*\*\*"/)
    t.notMatch(log, token.split('_').at(-1)!)
    const events = await stack.fmcp('audit', 'list', '--action', 'tool.call') as { ip: string }[]
    t.ok(events.length > 0)
    t.notOk(events.some(({ ip }) => ip === '203.0.113.7'))
  })

  await t.test('headers of the answer: no HSTS for localhost, no name of the proxy', async t => {
    const { headers } = await stack.fetch(`${stack.url}/health/live`)
    t.equal(headers.get('strict-transport-security'), null)
    t.equal(headers.get('server'), null)
  })

  await t.test('plain http leads to https, and other names and plain text get nothing', async t => {
    const port = Number((await stack.compose('port', 'caddy', '80')).trim().split(':').at(-1))
    const answer = await fetch(`http://localhost:${port}/docs?a=1`, { redirect: 'manual' })
    t.match({ status: answer.status, to: answer.headers.get('location') }, { status: 308, to: `${stack.url}/docs?a=1` })
    const text = await new Promise<string>(resolve => {
      const socket = connect(Number(new URL(stack.url).port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
      let got = ''
      socket.on('data', data => { got += String(data) }).on('close', () => resolve(got)).on('error', () => resolve(got))
    })
    t.match(text, /^HTTP\/1\.0 400/)
  })

  await t.test('a password of the database is in no configuration of a container', async t => {
    const password = (await readFile(join(stack.secrets, 'postgres_password'), 'utf8')).trim()
    for (const service of ['app', 'postgres']) t.notMatch(JSON.stringify(await stack.inspect(service)), password)
  })
})

t.test('without Redis', { ...needsTime, timeout: 900_000 }, async t => {
  const stack = await startStack(t, ['compose.yaml', 'compose.postgres-only.yaml'])
  figure(t, { what: 'compose.postgres-only.yaml: seconds from up to the first good answer', value: stack.seconds, unit: 's' })
  t.equal(await stack.container('redis'), '')
  const { status, dependencies } = await (await stack.fetch(`${stack.url}/health/ready`)).json() as { status: string, dependencies: object }
  t.equal(status, 'ok')
  t.notOk('redis' in dependencies)
  await assertServed(t, stack)
})

t.test('a name other than localhost is bound to https', { ...needsEngine, timeout: 300_000 }, async t => {
  const config = await docker('run', '--rm', '--network', 'none', '-v', `${join(import.meta.dirname, '../../Caddyfile')}:/etc/caddy/Caddyfile:ro`,
    '-e', 'DOMAIN=market.example.com', '-e', 'CADDY_TLS=tls me@example.com', 'caddy:2-alpine', 'caddy', 'adapt', '--config', '/etc/caddy/Caddyfile')
  t.match(config, /"email":"me@example\.com"/)
  t.match(config, /"Strict-Transport-Security":\["max-age=31536000"\]/)
  t.match(config, /"not":\[\{"host":\["localhost","127\.0\.0\.1","::1"\]\}\]/)
})
