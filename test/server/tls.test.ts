import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, copyFile, readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { copyFolder, createFolder, makeFolder, waitFor } from '../fixtures/embedded.ts'
import { makeCertificate } from '../certificates.ts'
import { buildOnce, fmcp, runServer, startServer } from './process.ts'

buildOnce()
const made = await makeFolder(t)

/** One GET over https, which trusts this certificate alone. */
async function get (url: string, ca: string, headers: Record<string, string> = {}) {
  const [response] = await once(request(url, { ca, headers, agent: false }).end(), 'response')
  response.resume()
  return response as { statusCode: number, headers: Record<string, string | undefined> }
}

/** SHA-256 of the certificate that a client is shown. */
async function shown (port: number, servername = 'localhost'): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

async function writePair (folder: string, { cert, key }: { cert: string, key: string }) {
  await writeFile(join(folder, 'cert.pem'), cert)
  await writeFile(join(folder, 'key.pem'), key)
}

const tlsOf = (folder: string) => ({ TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') })

t.test('fmcp makes a certificate that Node trusts, the server speaks https with it, and SIGHUP takes the next one', async t => {
  const dataDir = await copyFolder(t, made)
  const { code, stdout, stderr } = await fmcp(t, dataDir, ['tls', 'self-signed', '--host', 'market.lan', '--host', '192.0.2.7', '--out', dataDir])
  t.match([code, stderr], [0, ''])
  await chmod(join(dataDir, 'key.pem'), 0o644)
  const ca = await readFile(join(dataDir, 'cert.pem'), 'utf8')
  const { fingerprint256: first, subjectAltName } = new X509Certificate(ca)
  t.match(stdout, first)
  t.match(stdout, `TLS_CERT_FILE=${join(dataDir, 'cert.pem')}`)
  for (const name of ['DNS:market.lan', 'IP Address:192.0.2.7', 'DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1']) {
    t.match(subjectAltName, name)
  }

  const server = await startServer(t, dataDir, { ...tlsOf(dataDir), ALLOWED_HOSTS: 'market.lan' })
  const port = Number(new URL(server.url).port)
  t.equal(server.url, `https://localhost:${port}`, 'the banner says so')
  const local = await get(`${server.url}/health/live`, ca)
  t.equal(local.statusCode, 200)
  t.equal(local.headers['strict-transport-security'], undefined, 'localhost serves others too')
  const named = await get(`https://127.0.0.1:${port}/health/live`, ca, { host: `market.lan:${port}` })
  t.equal(named.headers['strict-transport-security'], 'max-age=31536000')
  const refused = await get(`${server.url}/mcp`, ca)
  t.match(refused.headers['www-authenticate'], `resource_metadata="https://localhost:${port}/`)
  await t.rejects(get(`http://localhost:${port}/health/live`.replace('http:', 'https:'), (await makeCertificate()).cert), /self-signed/)
  const old = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })
  await t.rejects(once(old, 'secureConnect'), 'TLS 1.1 is refused')
  t.equal(await setCookieOf(server.text(), server.url, ca), '__Host-fmcp')

  await writeFile(join(dataDir, 'cert.pem'), 'no certificate')
  process.kill(server.pid, 'SIGHUP')
  await waitFor(() => server.logs().some(line => line.includes('was not read again')), 10_000)
  t.equal(await shown(port), first, 'the former one stays')

  const next = await makeCertificate()
  await writePair(dataDir, next)
  process.kill(server.pid, 'SIGHUP')
  await waitFor(() => server.logs().some(line => line.includes('the certificate was read again')), 10_000)
  t.equal(await shown(port), next.fingerprint)
  t.equal(await shown(port, ''), next.fingerprint, 'to those who name no host as well')
  t.equal((await get(`${server.url}/health/live`, next.cert)).statusCode, 200)
  t.equal(await server.stop(), 0)
})

/** The name of the cookie that the first admin gets. */
async function setCookieOf (banner: string, url: string, ca: string): Promise<string | undefined> {
  const code = /Setup code .*: (\S+)/.exec(banner)?.[1]
  const sent = request(`${url}/api/setup`, { method: 'POST', ca, agent: false, headers: { 'content-type': 'application/json' } })
  const [response] = await once(sent.end(JSON.stringify({ code, name: 'owner', password: 'correct horse battery' })), 'response')
  response.resume()
  return String(response.headers['set-cookie']).split('=')[0]
}

t.test('files that are not there, are no PEM or do not fit together are one sentence at the start', async t => {
  const folder = await createFolder(t)
  await writePair(folder, await makeCertificate())
  const other = await makeCertificate()
  await writeFile(join(folder, 'other.pem'), other.key)
  await writeFile(join(folder, 'text.pem'), 'hello')
  const refuses = async (env: Record<string, string>, sentence: RegExp) => {
    const { code, stderr } = await runServer(t, await createFolder(t), env)
    t.equal(code, 1)
    t.match(stderr, /^financial-mcp-server: [^\n]+\n$/)
    t.match(stderr, sentence)
  }
  const { TLS_CERT_FILE, TLS_KEY_FILE } = tlsOf(folder)
  await refuses({ TLS_CERT_FILE }, /Set both TLS_CERT_FILE and TLS_KEY_FILE/)
  await refuses({ TLS_CERT_FILE, TLS_KEY_FILE: '/nowhere/key.pem' }, /TLS_KEY_FILE names \/nowhere\/key\.pem, which cannot be read: ENOENT/)
  await refuses({ TLS_CERT_FILE, TLS_KEY_FILE: join(folder, 'other.pem') }, /TLS_KEY_FILE is not the key of the certificate/)
  await refuses({ TLS_CERT_FILE: join(folder, 'text.pem'), TLS_KEY_FILE }, /must be a certificate and its key/)
})

t.test('fmcp tls self-signed keeps what is there, unless told to replace it', async t => {
  const folder = await createFolder(t)
  const make = (...args: string[]) => fmcp(t, folder, ['tls', 'self-signed', ...args])
  const { code, stdout } = await make('--out', 'made', '--days', '30', '--json')
  t.equal(code, 0)
  const { cert_file: certFile, key_file: keyFile, expires_at: expiresAt } = JSON.parse(stdout) as Record<string, string>
  t.equal(certFile, join(folder, 'made', 'cert.pem'))
  t.equal((await stat(String(keyFile))).mode & 0o777, 0o600)
  t.equal(Math.round((Date.parse(String(expiresAt)) - Date.now()) / 86_400_000), 30)
  const before = await readFile(String(keyFile), 'utf8')
  t.match(await make('--out', 'made'), { code: 1, stdout: '', stderr: /exist\. Choose another --out, or replace with --force/ })
  t.equal(await readFile(String(keyFile), 'utf8'), before)
  await chmod(String(keyFile), 0o666)
  t.equal((await make('--out', 'made', '--force')).code, 0)
  t.not(await readFile(String(keyFile), 'utf8'), before)
  t.equal((await stat(String(keyFile))).mode & 0o777, 0o600, 'whatever the mode of the old file was')
  await assertUsage(t, make)
  await copyFile(String(certFile), join(folder, 'cert.pem'))
  t.match(await make(), { code: 1 }, 'one of the two is enough')
})

async function assertUsage (t: Test, make: (...args: string[]) => Promise<{ code: number | null, stderr: string }>) {
  for (const args of [['--host', 'a b'], ['--host', 'a.example:443'], ['--days', '0'], ['--days', '4000'], ['--days', 'x']]) {
    t.match(await make(...args), { code: 2, stderr: /^fmcp: [^\n]+\n/ }, args.join(' '))
  }
}
