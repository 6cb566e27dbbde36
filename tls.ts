import type { FastifyInstance } from 'fastify'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server, ServerOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import { ConfigError, type Config } from './config.ts'

export interface ServerTls {
  /** For the server that is made with them. */
  options: ServerOptions
  /**
   * Reads both files again; connections that are open keep what they have.
   * @returns when the new certificate expires
   * @throws ConfigError in one sentence; then the former certificate stays
   */
  reload: (server: Pick<Server, 'setSecureContext'>) => Date
  /** When the certificate in use expires. */
  expiresAt: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Reads the certificate again, and says in the log how it went. Absent on plain http. */
    reloadTls?: () => void
    /** When the certificate in use expires. Absent on plain http. */
    tlsExpiresAt?: () => Date
  }
}

type Files = NonNullable<Config['tls']>

const PROTOCOL = { minVersion: 'TLSv1.2' } as const
/** Who connects and says nothing holds a socket no longer. */
const HANDSHAKE_MS = 10_000

/**
 * Reads the certificate and the key that the server speaks https with.
 * @throws ConfigError in one sentence that names the variable
 */
export function openTls (files: Files): ServerTls {
  const first = read(files)
  let { context, expiresAt } = first
  return {
    expiresAt: () => expiresAt,
    // For each connection that names a host: `HOST=localhost` is two servers, and only one of them can be reached.
    options: { ...first.pair, handshakeTimeout: HANDSHAKE_MS, SNICallback: (_name, done) => done(null, context) },
    reload (server) {
      const next = read(files)
      server.setSecureContext(next.pair)
      context = next.context
      expiresAt = next.expiresAt
      return expiresAt
    }
  }
}

/** Makes `app.reloadTls` and `app.tlsExpiresAt`. */
export function decorateTls (app: FastifyInstance, { reload, expiresAt }: ServerTls): void {
  app.decorate('tlsExpiresAt', expiresAt)
  app.decorate('reloadTls', () => {
    try {
      const expiresAt = reload(app.server as unknown as Server)
      app.log.info({ expires_at: expiresAt }, 'the certificate was read again')
    } catch (error) {
      app.log.error({ reason: (error as Error).message }, 'the certificate was not read again; the former one stays in use')
    }
  })
}

function read ({ certFile, keyFile }: Files) {
  const pair = { cert: readPem('TLS_CERT_FILE', certFile), key: readPem('TLS_KEY_FILE', keyFile), ...PROTOCOL }
  try {
    return { pair, context: createSecureContext(pair), expiresAt: new Date(new X509Certificate(pair.cert).validTo) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ConfigError(code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
      ? 'TLS_KEY_FILE is not the key of the certificate in TLS_CERT_FILE. Set the two that belong together.'
      : `TLS_CERT_FILE and TLS_KEY_FILE must be a certificate and its key without a passphrase, both PEM: ${message}.`)
  }
}

function readPem (variable: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ConfigError(`${variable} names ${file}, which cannot be read: ${(error as NodeJS.ErrnoException).code}.`)
  }
}
