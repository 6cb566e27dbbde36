import envSchema from 'env-schema'
import ipaddr from 'ipaddr.js'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Type, type Static } from 'typebox'

const MEGABYTE = 1024 * 1024
const strings = { default: '' }
const url = (description: string) => Type.Optional(Type.String({ pattern: '^https?://[^\\s?#]+$', description }))
const secret = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/** The environment, one row a variable. An empty variable counts as not set. */
export const ConfigSchema = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  PORT: Type.Integer({ default: 3000, minimum: 0, maximum: 65535, description: 'Port to listen on; 0 takes a free one' }),
  DATA_DIR: Type.String({ default: './data', description: 'Folder of the embedded database and the generated master key' }),
  PUBLIC_URL: url('The URL that clients use, where a proxy stands in front; default http://localhost:PORT, https with TLS_CERT_FILE'),
  ALLOWED_HOSTS: Type.String({ ...strings, description: 'More host names that requests may name, comma-separated' }),
  ALLOWED_ORIGINS: Type.String({ ...strings, description: 'More origins whose requests are let in, comma-separated; their pages cannot read the answers' }),
  TRUST_PROXY: Type.String({ ...strings, description: 'Addresses or CIDR ranges of the reverse proxy, comma-separated' }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info', description: 'Least severe log line' }),
  DATABASE_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://', description: 'Postgres; not set: an embedded one under DATA_DIR' })),
  DATABASE_PASSWORD_FILE: Type.Optional(Type.String({ description: 'File that holds the password of DATABASE_URL, which then has none itself' })),
  DATABASE_POOL_SIZE: Type.Integer({ default: 10, minimum: 2, maximum: 200, description: 'Most connections to Postgres' }),
  REDIS_URL: Type.Optional(Type.String({ pattern: '^rediss?://', description: 'Redis for the cache and the quota ledger; several, comma-separated, are nodes of one cluster; not set: Postgres' })),
  MASTER_KEY: secret('Key ring, kid:base64(32 bytes), comma-separated, the first is primary'),
  MASTER_KEY_FILE: Type.Optional(Type.String({ description: 'File that holds the key ring, one key a line' })),
  ALPACA_DATA_URL: url('Base URL in place of https://data.alpaca.markets'),
  ALPACA_TRADING_URL: url('Base URL in place of https://paper-api.alpaca.markets or https://api.alpaca.markets'),
  POLYGON_URL: url('Base URL in place of https://api.massive.com'),
  FMP_URL: url('Base URL in place of https://financialmodelingprep.com/stable'),
  FINNHUB_URL: url('Base URL in place of https://finnhub.io/api/v1'),
  ALPACA_API_KEY: secret('Imported into the connection "default" at start, with ALPACA_SECRET_KEY'),
  ALPACA_SECRET_KEY: secret('The second part of ALPACA_API_KEY'),
  POLYGON_API_KEY: secret('Imported into the connection "default" at start'),
  MASSIVE_API_KEY: secret('The same as POLYGON_API_KEY, by the provider\'s new name'),
  FMP_API_KEY: secret('Imported into the connection "default" at start'),
  FINNHUB_API_KEY: secret('Imported into the connection "default" at start'),
  ENABLE_CACHING: Type.Boolean({ default: true, description: 'false: no answer is cached, on any connection' }),
  CACHE_TTL: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_592_000, description: 'Seconds that every answer is cached, in place of each tool\'s own' })),
  CACHE_MEMORY_MB: Type.Integer({ default: 32, minimum: 1, maximum: 4096, description: 'Megabytes of answers that the process keeps before it asks Redis or Postgres' }),
  CACHE_ENTRIES_PER_SESSION: Type.Integer({ default: 2000, minimum: 10, maximum: 1_000_000, description: 'Most answers that are kept for one session; the first to expire go' }),
  STALE_IF_ERROR_SECONDS: Type.Integer({ default: 86_400, minimum: 0, maximum: 2_592_000, description: 'Oldest answer, in seconds past its freshness, that is given where no provider answers; 0: none' }),
  SESSION_GRACE_SECONDS: Type.Integer({ default: 0, minimum: 0, maximum: 3600, description: 'Seconds that a verified session goes on while Postgres is down, after the 30 that it always does' }),
  CALL_DEADLINE_SECONDS: Type.Integer({ default: 12, minimum: 1, maximum: 300, description: 'Longest that one call may take, every provider that it asks included' }),
  PROVIDER_DEADLINE_SECONDS: Type.Integer({ default: 6, minimum: 1, maximum: 120, description: 'Longest that one request to a provider may take' }),
  SESSION_CALLS_PER_MINUTE: Type.Integer({ default: 30_000, minimum: 1, maximum: 10_000_000, description: 'Most requests of one session in a minute, at each replica' }),
  ADDRESS_CALLS_PER_MINUTE: Type.Integer({ default: 60_000, minimum: 1, maximum: 10_000_000, description: 'Most requests of one address in a minute, at each replica' }),
  MAX_EVENT_LOOP_DELAY_MS: Type.Integer({ default: 1000, minimum: 0, maximum: 60_000, description: 'Delay of the event loop from which on requests are turned away with 503; 0: never' }),
  MAX_MEMORY_MB: Type.Integer({ default: 0, minimum: 0, maximum: 1_048_576, description: 'Resident memory from which on requests are turned away with 503; 0: never' }),
  DRAIN_SECONDS: Type.Integer({ default: 0, minimum: 0, maximum: 300, description: 'Seconds that a stopping server goes on serving, not ready, so that a proxy in front moves on' }),
  ALLOW_QUERY_TOKENS: Type.Boolean({ default: false, description: 'true: a session token is also taken as ?token=, which MCP forbids and proxies log' }),
  TLS_CERT_FILE: Type.Optional(Type.String({ description: 'Certificate chain (PEM) to serve https without a proxy; read again on SIGHUP' })),
  TLS_KEY_FILE: Type.Optional(Type.String({ description: 'Private key (PEM) of TLS_CERT_FILE' })),
  ENDPOINT_PRIVATE_RANGES: Type.String({ ...strings, description: 'Private addresses that an endpoint stored on a connection may have, CIDR ranges, comma-separated' }),
  AUDIT_RETENTION_DAYS: Type.Integer({ default: 0, minimum: 0, maximum: 36_500, description: 'Days that the audit log is kept, its chain continued by a signed checkpoint; 0: for ever' }),
  AUDIT_FILE: Type.Optional(Type.String({ description: 'File to which each audit event is also appended, as NDJSON' })),
  AUDIT_SYSLOG: Type.Optional(Type.String({ pattern: '^(udp|tcp)://[^\\s/?#]+:[0-9]+$', description: 'Syslog server (RFC 5424) to which each audit event is also sent, udp://host:port or tcp://host:port' })),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('Collector of OpenTelemetry (OTLP over HTTP) that traces are sent to; not set: none are made'),
  SSE_IDLE_SECONDS: Type.Integer({ default: 900, minimum: 1, maximum: 86_400, description: 'Seconds without a message after which an HTTP+SSE stream is ended' })
})
type Environment = Static<typeof ConfigSchema>

export interface Config {
  host: string
  port: number
  dataDir: string
  /** Without a trailing slash; undefined until a proxy's URL is set. */
  publicUrl: string | undefined
  allowedHosts: string[]
  allowedOrigins: string[]
  trustProxy: string[]
  logLevel: Environment['LOG_LEVEL']
  /** Undefined: the embedded one. */
  databaseUrl: string | undefined
  /** Where the password in it comes from; undefined: from the URL itself. */
  databasePasswordFile: string | undefined
  databasePoolSize: number
  /** Nodes of Redis: several are one cluster; none: Postgres keeps the cache and the ledger. */
  redisUrls: string[]
  /** The key ring's text; undefined: read or make DATA_DIR/master.key (embedded mode only). */
  masterKey: string | undefined
  /** Where that text was read, to be read again on SIGHUP. */
  masterKeyFile: string | undefined
  providerUrls: {
    alpaca_data: string | undefined
    alpaca_trading: string | undefined
    polygon: string | undefined
    fmp: string | undefined
    finnhub: string | undefined
  }
  /** Keys from the environment, sealed into the connection `default` at start. */
  importedCredentials: {
    alpaca?: { key_id: string, secret_key: string }
    polygon?: { api_key: string }
    fmp?: { api_key: string }
    finnhub?: { api_key: string }
  }
  caching: boolean
  /** Seconds, in place of each tool's own. */
  cacheTtlSeconds: number | undefined
  cacheMemoryBytes: number
  cacheEntriesPerSession: number
  staleIfErrorSeconds: number
  sessionGraceMs: number
  callDeadlineMs: number
  providerDeadlineMs: number
  sessionCallsPerMinute: number
  addressCallsPerMinute: number
  /** 0: no limit; so is the next. */
  maxEventLoopDelayMs: number
  maxMemoryBytes: number
  sseIdleSeconds: number
  drainMs: number
  allowQueryTokens: boolean
  /** PEM files; undefined: plain http. */
  tls: { certFile: string, keyFile: string } | undefined
  /** CIDR ranges. */
  endpointPrivateRanges: string[]
  /** 0: for ever. */
  auditRetentionDays: number
  auditFile: string | undefined
  auditSyslog: string | undefined
  /** Undefined: nothing is traced. */
  otlpEndpoint: string | undefined
}

/** A configuration that cannot be started with; the message names the variable and says what to do. */
export class ConfigError extends Error {}

/**
 * Reads the configuration out of environment variables.
 * @throws ConfigError with one sentence that names the variable
 */
export function loadConfig (env: Record<string, string | undefined>): Config {
  const values = parse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== '')))
  if (values.MASTER_KEY && values.MASTER_KEY_FILE) throw new ConfigError('Set MASTER_KEY or MASTER_KEY_FILE, not both.')
  if (Boolean(values.ALPACA_API_KEY) !== Boolean(values.ALPACA_SECRET_KEY)) {
    throw new ConfigError('Set both ALPACA_API_KEY and ALPACA_SECRET_KEY, or neither: Alpaca needs the two together.')
  }
  if (Boolean(values.TLS_CERT_FILE) !== Boolean(values.TLS_KEY_FILE)) {
    throw new ConfigError('Set both TLS_CERT_FILE and TLS_KEY_FILE, or neither.')
  }
  if (values.DATABASE_URL && !values.MASTER_KEY && !values.MASTER_KEY_FILE) {
    throw new ConfigError('Set MASTER_KEY_FILE (or MASTER_KEY): with DATABASE_URL the key ring is never made by the server. ' +
      'Make one with: echo "k1:$(openssl rand -base64 32)" > master.key')
  }
  return {
    host: values.HOST,
    port: values.PORT,
    dataDir: resolve(values.DATA_DIR),
    publicUrl: toBase(values.PUBLIC_URL)?.replace(DEFAULT_PORT, '$1$2'),
    allowedHosts: toList(values.ALLOWED_HOSTS),
    allowedOrigins: toList(values.ALLOWED_ORIGINS),
    trustProxy: toTrusted(values.TRUST_PROXY),
    logLevel: values.LOG_LEVEL,
    databaseUrl: databaseUrl(values),
    databasePasswordFile: values.DATABASE_PASSWORD_FILE,
    databasePoolSize: values.DATABASE_POOL_SIZE,
    redisUrls: toList(values.REDIS_URL ?? ''),
    masterKey: values.MASTER_KEY_FILE ? readSecret('MASTER_KEY_FILE', values.MASTER_KEY_FILE) : values.MASTER_KEY,
    masterKeyFile: values.MASTER_KEY_FILE && resolve(values.MASTER_KEY_FILE),
    providerUrls: {
      alpaca_data: toBase(values.ALPACA_DATA_URL),
      alpaca_trading: toBase(values.ALPACA_TRADING_URL),
      polygon: toBase(values.POLYGON_URL),
      fmp: toBase(values.FMP_URL),
      finnhub: toBase(values.FINNHUB_URL)
    },
    importedCredentials: importedCredentials(values),
    caching: values.ENABLE_CACHING,
    cacheTtlSeconds: values.CACHE_TTL,
    cacheMemoryBytes: values.CACHE_MEMORY_MB * MEGABYTE,
    cacheEntriesPerSession: values.CACHE_ENTRIES_PER_SESSION,
    staleIfErrorSeconds: values.STALE_IF_ERROR_SECONDS,
    sessionGraceMs: values.SESSION_GRACE_SECONDS * 1000,
    callDeadlineMs: values.CALL_DEADLINE_SECONDS * 1000,
    providerDeadlineMs: values.PROVIDER_DEADLINE_SECONDS * 1000,
    sessionCallsPerMinute: values.SESSION_CALLS_PER_MINUTE,
    addressCallsPerMinute: values.ADDRESS_CALLS_PER_MINUTE,
    maxEventLoopDelayMs: values.MAX_EVENT_LOOP_DELAY_MS,
    maxMemoryBytes: values.MAX_MEMORY_MB * MEGABYTE,
    sseIdleSeconds: values.SSE_IDLE_SECONDS,
    drainMs: values.DRAIN_SECONDS * 1000,
    allowQueryTokens: values.ALLOW_QUERY_TOKENS,
    tls: values.TLS_CERT_FILE && values.TLS_KEY_FILE
      ? { certFile: resolve(values.TLS_CERT_FILE), keyFile: resolve(values.TLS_KEY_FILE) }
      : undefined,
    endpointPrivateRanges: toRanges('ENDPOINT_PRIVATE_RANGES', values.ENDPOINT_PRIVATE_RANGES),
    auditRetentionDays: values.AUDIT_RETENTION_DAYS,
    auditFile: values.AUDIT_FILE && resolve(values.AUDIT_FILE),
    auditSyslog: values.AUDIT_SYSLOG,
    otlpEndpoint: toBase(values.OTEL_EXPORTER_OTLP_ENDPOINT)
  }
}

/** What the validator says of the first variable that it refuses. */
interface Fault {
  instancePath: string
  message: string
  params: Record<string, unknown>
}

function parse (env: Record<string, string | undefined>): Environment {
  try {
    return envSchema<Environment>({ schema: ConfigSchema, data: env, env: false })
  } catch (error) {
    const [fault] = (error as { errors?: Fault[] }).errors ?? []
    if (!fault) throw error
    const name = fault.instancePath.slice(1)
    const allowed = 'allowedValues' in fault.params ? `: ${(fault.params.allowedValues as string[]).join(', ')}` : ''
    const { description = '' } = (ConfigSchema.properties as Record<string, { description?: string }>)[name] ?? {}
    throw new ConfigError(`${name} ${fault.message}${allowed}. It is: ${description}.`)
  }
}

/** @throws ConfigError where the password stands twice, or nowhere */
function databaseUrl ({ DATABASE_URL: text, DATABASE_PASSWORD_FILE: file }: Environment): string | undefined {
  if (file === undefined) return text
  if (text === undefined) throw new ConfigError('DATABASE_PASSWORD_FILE needs a DATABASE_URL, whose password it holds.')
  if (!URL.canParse(text)) throw new ConfigError('DATABASE_URL is not a URL such as postgres://fmcp@db.example.com:5432/fmcp.')
  const url = new URL(text)
  if (url.password) throw new ConfigError('Give the password in DATABASE_URL or in DATABASE_PASSWORD_FILE, not in both.')
  if (!url.username) throw new ConfigError('DATABASE_URL names no user: DATABASE_PASSWORD_FILE holds the password of one.')
  const password = readSecret('DATABASE_PASSWORD_FILE', file).replace(/[\r\n]+$/, '')
  if (!password) throw new ConfigError(`DATABASE_PASSWORD_FILE names ${file}, which is empty: it holds the password alone.`)
  url.password = encodeURIComponent(password)
  return url.href
}

function readSecret (name: 'MASTER_KEY_FILE' | 'DATABASE_PASSWORD_FILE', file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(`${name} names ${file}, which cannot be read: ${code}.`)
  }
}

function importedCredentials (values: Environment): Config['importedCredentials'] {
  const polygon = values.POLYGON_API_KEY ?? values.MASSIVE_API_KEY
  return {
    ...(values.ALPACA_API_KEY && values.ALPACA_SECRET_KEY && {
      alpaca: { key_id: values.ALPACA_API_KEY, secret_key: values.ALPACA_SECRET_KEY }
    }),
    ...(polygon && { polygon: { api_key: polygon } }),
    ...(values.FMP_API_KEY && { fmp: { api_key: values.FMP_API_KEY } }),
    ...(values.FINNHUB_API_KEY && { finnhub: { api_key: values.FINNHUB_API_KEY } })
  }
}

/** @throws ConfigError that names the range */
function toRanges (name: string, text: string): string[] {
  const ranges = toList(text)
  const wrong = ranges.find(range => !ipaddr.isValidCIDR(range))
  if (wrong !== undefined) throw new ConfigError(`${name}: ${wrong} is not a CIDR range such as 10.0.0.0/8.`)
  return ranges
}

/** What the proxy library calls ranges by name, beside addresses and CIDR ranges. */
const NAMED_RANGES = ['loopback', 'linklocal', 'uniquelocal']

/** @throws ConfigError that names the entry */
function toTrusted (text: string): string[] {
  const entries = toList(text)
  const isRange = (entry: string) => ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry) || NAMED_RANGES.includes(entry)
  const wrong = entries.find(entry => !isRange(entry))
  if (wrong !== undefined) {
    throw new ConfigError(`TRUST_PROXY: ${wrong} is no address, no CIDR range such as 10.0.0.0/8, and none of ` +
      `${NAMED_RANGES.join(', ')}.`)
  }
  return entries
}

const toList = (text: string) => text.split(',').map(part => part.trim()).filter(Boolean)
/** What a URL means without it. */
const DEFAULT_PORT = /^(https:\/\/[^/]+):443(?=\/|$)|^(http:\/\/[^/]+):80(?=\/|$)/i
const toBase = (text: string | undefined) => text?.replace(/\/+$/, '')
