import type { FastifyInstance } from 'fastify'
import { isatty } from 'node:tty'

/** What a SIGHUP reads again. Each tells the log how it went, and keeps what it had where it fails. */
const toReloads = (app: FastifyInstance): (() => unknown)[] => [
  () => app.vault.reload(),
  () => app.reloadTls?.()
]

/**
 * Reads the files again that an operator has replaced, on SIGHUP.
 * @param onLeft called in place of it where the terminal that the server was started on has gone, which is the other
 * meaning of the signal
 */
export function onHangup (app: FastifyInstance, onLeft: () => void): void {
  const terminals = [0, 1, 2].filter(isatty)
  const isLeft = () => process.platform === 'win32' || (terminals.length > 0 && !terminals.some(isatty))
  let isClosing = false
  app.addHook('preClose', async () => { isClosing = true })
  process.on('SIGHUP', async () => {
    if (isClosing) return
    if (isLeft()) {
      // Node's own end would restore the terminal, and spins for ever where that is gone.
      process.once('exit', () => process.kill(process.pid, 'SIGKILL'))
      return onLeft()
    }
    for (const reload of toReloads(app)) {
      try {
        await reload()
      } catch (error) {
        app.log.error({ err: error }, 'a reload on SIGHUP failed')
      }
    }
  })
}
