import createClient from 'openapi-fetch'
import type { ProblemBody } from '../../schemas/problem.ts'
import { logOut } from './auth.ts'
import { BASE } from './base.ts'
import { found, lost } from './link.ts'
import { ProblemError, ServerAway } from './problem.ts'
import type { paths } from './schema.d.ts'

/** The REST API, typed by its OpenAPI document. Each call throws ProblemError or ServerAway. */
export const api = createClient<paths>({ baseUrl: BASE, fetch: send })

/** What a call answers. @throws what the call throws */
export async function answer<T> (call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T
}

/** These ask for a secret: their 401 is about it and not about the login. */
const ENTRANCES = /\/api\/(login|setup)$/

async function send (request: Request): Promise<Response> {
  const response = await fetch(request, { cache: 'no-store' }).catch((error: unknown) => {
    if (request.signal.aborted) throw error
    lost()
    throw new ServerAway()
  })
  const body = response.ok ? undefined : await toProblem(response)
  if (response.ok || body) found()
  if (body?.status === 401 && !ENTRANCES.test(new URL(request.url).pathname)) logOut('ended')
  if (body) throw new ProblemError(body)
  if (response.ok) return response
  lost()
  throw new ServerAway()
}

/** Undefined where it is not the server that speaks, but a proxy before it. */
async function toProblem (response: Response): Promise<ProblemBody | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  return await response.json() as ProblemBody
}
