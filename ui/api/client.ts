import createClient from 'openapi-fetch'
import type { ProblemBody } from '../../schemas/problem.ts'
import { logOut } from './auth.ts'
import { BASE } from './base.ts'
import { found, lost } from './link.ts'
import { ProblemError, ServerAway } from './problem.ts'
import type { paths } from './schema.d.ts'

/** The REST API, typed by its OpenAPI document. Each call throws ProblemError or ServerAway. */
export const api = createClient<paths>({ baseUrl: BASE, fetch: request => send(request) })

/** What a call answers. @throws what the call throws */
export async function answer<T> (call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T
}

/** These ask for a secret: their 401 is about it and not about the login. */
const ENTRANCES = /\/api\/(login|setup)$/

async function send (request: Request, isAgain = false): Promise<Response> {
  const spare = isAgain ? undefined : request.clone()
  const response = await fetch(request, { cache: 'no-store' }).catch((error: unknown) => {
    if (request.signal.aborted) throw error
    lost()
    throw new ServerAway()
  })
  const body = response.ok ? undefined : await toProblem(response)
  if (response.ok || body) found()
  if (body?.status === 401 && !ENTRANCES.test(new URL(request.url).pathname)) {
    // A proof, here or in another tab, puts another cookie in the place of the one that this request was sent with.
    if (spare && await isLoggedIn()) return send(spare, true)
    logOut('ended')
  }
  if (body) throw new ProblemError(body)
  if (response.ok) return response
  lost()
  throw new ServerAway()
}

const isLoggedIn = () => fetch(`${BASE}/api/admin`, { cache: 'no-store' }).then(({ ok }) => ok, () => false)

/** Undefined where it is not the server that speaks, but a proxy before it. */
async function toProblem (response: Response): Promise<ProblemBody | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  return await response.json() as ProblemBody
}
