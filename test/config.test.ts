import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ConfigError, ConfigSchema, loadConfig } from '../config.ts'

test('nothing set is a safe start: loopback, embedded database, caching on', async t => {
  t.match(loadConfig({}), { host: '127.0.0.1', port: 3000, databaseUrl: undefined, masterKey: undefined, caching: true, trustProxy: [], importedCredentials: {} })
})

test('an empty variable counts as not set', async t => {
  t.match(loadConfig({ PORT: '', DATABASE_URL: '', CACHE_TTL: '' }), { port: 3000, databaseUrl: undefined, cacheTtlSeconds: undefined })
})

test('a variable that cannot be used is refused with a sentence that names it', async t => {
  const refuse = (env: Record<string, string>, message: RegExp) =>
    t.throws(() => loadConfig(env), { constructor: ConfigError, message })
  refuse({ PORT: 'abc' }, /^PORT must be integer.*Port to listen on/)
  refuse({ PORT: '70000' }, /^PORT must be <= 65535/)
  refuse({ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be equal to one of the allowed values: fatal, error/)
  refuse({ ENABLE_CACHING: 'maybe' }, /^ENABLE_CACHING must be boolean/)
  refuse({ FMP_URL: 'ftp://x' }, /^FMP_URL must match pattern/)
  refuse({ DATABASE_URL: 'mysql://x', MASTER_KEY: 'k1:x' }, /^DATABASE_URL must match pattern/)
  refuse({ DATABASE_URL: 'postgres://x' }, /^Set MASTER_KEY_FILE \(or MASTER_KEY\)/)
  refuse({ MASTER_KEY: 'k1:x', MASTER_KEY_FILE: 'y' }, /not both/)
  refuse({ MASTER_KEY_FILE: '/does/not/exist' }, /^MASTER_KEY_FILE names \/does\/not\/exist, which cannot be read: ENOENT/)
  refuse({ TRUST_PROXY: '10.0.0.1, proxy.local' }, /^TRUST_PROXY: proxy\.local is no address, no CIDR range/)
  refuse({ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT must match pattern/)
  refuse({ ALPACA_API_KEY: 'test-a' }, /^Set both ALPACA_API_KEY and ALPACA_SECRET_KEY/)
})

test('keys of the environment are read under both names of Polygon', async t => {
  t.same(loadConfig({ MASSIVE_API_KEY: 'test-m', FMP_API_KEY: 'test-f' }).importedCredentials, { polygon: { api_key: 'test-m' }, fmp: { api_key: 'test-f' } })
  t.same(loadConfig({ ALPACA_API_KEY: 'test-a', ALPACA_SECRET_KEY: 'test-b' }).importedCredentials, { alpaca: { key_id: 'test-a', secret_key: 'test-b' } })
})

test('lists and base URLs are tidied', async t => {
  const config = loadConfig({ TRUST_PROXY: '10.0.0.1, fd00::/8, loopback', PUBLIC_URL: 'https://m.example.com/', FMP_URL: 'http://localhost:1/stable/' })
  t.match(config, { trustProxy: ['10.0.0.1', 'fd00::/8', 'loopback'], publicUrl: 'https://m.example.com', providerUrls: { fmp: 'http://localhost:1/stable' } })
})

test('the password of the database may stand in a file', t => {
  const dir = t.testdir({ password: 'p@ss/wo%rd\n', empty: '\n' })
  const file = join(dir, 'password')
  const MASTER_KEY = 'k1:x'
  const load = (env: Record<string, string>) => () => loadConfig({ MASTER_KEY, DATABASE_PASSWORD_FILE: file, ...env })
  t.equal(load({ DATABASE_URL: 'postgres://fmcp@db:5432/fmcp' })().databaseUrl, 'postgres://fmcp:p%40ss%2Fwo%25rd@db:5432/fmcp')
  const refuse = (env: Record<string, string>, message: RegExp) =>
    t.throws(load(env), { constructor: ConfigError, message })
  refuse({}, /^DATABASE_PASSWORD_FILE needs a DATABASE_URL/)
  refuse({ DATABASE_URL: 'postgres://a:b@db/x' }, /DATABASE_URL or in DATABASE_PASSWORD_FILE, not in both/)
  refuse({ DATABASE_URL: 'postgres://db/x' }, /^DATABASE_URL names no user/)
  refuse({ DATABASE_URL: 'postgres://a@' }, /^DATABASE_URL is not a URL/)
  const url = { DATABASE_URL: 'postgres://a@db/x' }
  refuse({ ...url, DATABASE_PASSWORD_FILE: join(dir, 'none') }, /^DATABASE_PASSWORD_FILE names .*none, which cannot be read: ENOENT/)
  refuse({ ...url, DATABASE_PASSWORD_FILE: join(dir, 'empty') }, /^DATABASE_PASSWORD_FILE names .*empty, which is empty/)
  t.end()
})

test('a public URL is told without a port that its scheme implies', t => {
  const publicUrl = (PUBLIC_URL: string) => loadConfig({ PUBLIC_URL }).publicUrl
  t.equal(publicUrl('https://localhost:443'), 'https://localhost')
  t.equal(publicUrl('https://localhost:8443'), 'https://localhost:8443')
  t.equal(publicUrl('http://[::1]:80/path/'), 'http://[::1]/path')
  t.equal(publicUrl('http://localhost:443'), 'http://localhost:443')
  t.end()
})

test('.env.example has a row for every variable, and no other', async t => {
  const text = readFileSync(join(import.meta.dirname, '..', '.env.example'), 'utf8')
  const named = [...text.matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name)
  t.same(named.sort(), Object.keys(ConfigSchema.properties).sort())
})
