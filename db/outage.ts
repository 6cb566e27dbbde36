import { problem, type Problem } from '../errors.ts'

/**
 * Postgres' codes for "not now": lost connections, shutdown, too many connections, not accepting, statement timeout, a
 * transaction that was left alone too long.
 */
const NOT_NOW = /^(08...|57P0[123]|53300|55000|57014|25P03)$/
const NO_SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH'])
/** What the driver says without a code. */
const LOST = /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error)/

/** Postgres is known to be down: nobody waits for it. */
export class DatabaseDown extends Error {
  constructor () {
    const { stackTraceLimit } = Error
    // Thousands of them a second must cost nothing.
    Error.stackTraceLimit = 0
    super('the database is down')
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Whether an error says that the database is out of reach, and not that a statement was wrong. */
export function isOutage (error: unknown): error is Error {
  if (error instanceof AggregateError) return error.errors.some(isOutage)
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseDown) return true
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code !== undefined && NOT_NOW.test(code)) return true
  return (code !== undefined && NO_SOCKET.has(code) && syscall !== undefined) || LOST.test(error.message)
}

/** What a caller is told of it. */
export function outage (cause: unknown): Problem {
  return problem('OVERLOADED', 'The server\'s database does not answer at the moment. Call again shortly.', { retry_after_seconds: 5, cause })
}
