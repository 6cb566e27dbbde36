import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { welcome } from './banner.ts'
import { ConfigError, loadConfig, type Config } from './config.ts'
import { EmbeddedError } from './db/embedded/index.ts'
import { MigrationError } from './db/migrate.ts'
import { onHangup } from './hangup.ts'
import { drain } from './sockets.ts'

/** A stop, after its drain, takes at most this long: calls under way are finished or told to come again before it. */
const STOP_MS = 10_000

/** Reads the configuration, builds, listens, says hello, and closes on SIGTERM or SIGINT with exit code 0. */
export async function start (env: Record<string, string | undefined>): Promise<void> {
  try {
    process.loadEnvFile()
  } catch { /* there is no .env */ }
  try {
    const config = loadConfig(env)
    const app = await buildApp({ config })
    const delay = config.drainMs + STOP_MS
    const { close } = closeWithGrace({ delay, logger: app.log, skip: ['SIGHUP'] }, async ({ err }) => {
      if (err) app.log.fatal({ err }, 'stopping after an error')
      else await drain(app, config.drainMs)
      await app.close()
    })
    onHangup(app, close)
    await serve(app, config)
  } catch (error) {
    // What an operator can mend is one sentence; anything else is a defect and shows its stack.
    const known = [ConfigError, EmbeddedError, MigrationError].some(kind => error instanceof kind)
    const text = error instanceof Error ? known ? error.message : error.stack : String(error)
    process.stderr.write(`financial-mcp-server: ${text}\n`)
    process.exit(1)
  }
}

async function serve (app: FastifyInstance, config: Config): Promise<void> {
  await app.connections.ensureSample()
  await app.connections.importEnvironment()
  const address = await app.listen({ host: config.host, port: config.port }).catch(explainListen(config))
  process.stdout.write(await welcome(app, config, new URL(address).port))
}

/** What the system says of an address, as a sentence that names the variable. */
function explainListen ({ host, port }: Config) {
  return (error: NodeJS.ErrnoException): never => {
    const reasons: Record<string, string> = {
      EADDRINUSE: `PORT ${port} is in use on ${host}. Stop what uses it, or choose another PORT.`,
      EACCES: `PORT ${port} may not be used by this user. Choose one above 1023.`,
      EADDRNOTAVAIL: `HOST ${host} is no address of this machine.`,
      ENOTFOUND: `HOST ${host} is no address of this machine.`
    }
    const reason = reasons[error.code ?? '']
    throw reason ? new ConfigError(reason, { cause: error }) : error
  }
}
