import type { FastifyBaseLogger } from 'fastify'

export interface Retention {
  prune: () => Promise<number>
  log: FastifyBaseLogger
  /** Until the first time: a server that is started often prunes too. */
  firstMs?: number
  everyMs?: number
}

/**
 * Prunes a minute after the start, then once an hour.
 * @returns ends it, and waits for what is under way
 */
export function startRetention ({ prune, log, firstMs = 60_000, everyMs = 3_600_000 }: Retention): () => Promise<void> {
  let running = Promise.resolve()
  const run = () => {
    running = running.then(prune).then(
      rows => { if (rows > 0) log.info({ rows }, 'old audit events were deleted') },
      (error: unknown) => log.error({ err: error }, 'old audit events could not be deleted; they are kept'))
  }
  let timer = setTimeout(function again () {
    run()
    timer = setTimeout(again, everyMs).unref()
  }, firstMs).unref()
  return async () => {
    clearTimeout(timer)
    await running
  }
}
