import type { ProblemBody } from '../../schemas/problem.ts'

/** What the server refused, in its own words. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly body: ProblemBody
  /** When it came: `retry_after_seconds` counts from here. */
  readonly at = Date.now()

  constructor (body: ProblemBody) {
    super(body.detail)
    this.body = body
  }
}

/** No answer, or one of a proxy that got none. */
export class ServerAway extends Error {
  override readonly name = 'ServerAway'

  constructor () {
    super('The server does not answer.')
  }
}

/** What the problem says of one field of the form: `name`, `settings.ttl_seconds`. */
export function faultOf (error: Error | undefined, field: string): string | undefined {
  const faults = error instanceof ProblemError ? error.body.errors ?? [] : []
  const message = faults.find(({ path }) => path.replace(/^\//, '').replaceAll('/', '.') === field)?.message
  return message && `It ${message}.`
}
