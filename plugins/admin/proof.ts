import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../../errors.ts'
import type {} from '../auth/index.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For the admin scope: a login by cookie must have given its password in the last ten minutes. */
    proof?: boolean
  }
}

/** For how long a login may do what needs a fresh proof. */
export const PROOF_MS = 10 * 60_000
const NOTE = 'A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.'
const NEEDED = 'Give the password again: this needs a proof of the last ten minutes. POST /api/admin/proof renews it.'

/** Holds the scope's routes to their `config.proof`, and says so in their descriptions. Behind the scope's guard. */
export function addProofGuard (scope: FastifyInstance): void {
  scope.addHook('onRoute', route => {
    if (!route.config?.proof) return
    const { description } = route.schema ?? {}
    route.schema = { ...route.schema, description: description ? `${description} ${NOTE}` : NOTE }
  })
  scope.addHook('onRequest', async ({ principal, routeOptions }) => {
    if (routeOptions.config.proof) assertProved(principal)
  })
}

/** An admin token has no password to give, and passes. */
function assertProved (principal: FastifyRequest['principal']): void {
  const isProved = principal?.kind === 'admin' &&
    (principal.via === 'token' || (principal.proved_at?.getTime() ?? 0) + PROOF_MS > Date.now())
  if (!isProved) throw problem('FORBIDDEN', NEEDED, { proof_required: true })
}
