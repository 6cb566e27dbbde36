import type { FastifyRequest } from 'fastify'
import type { Actor } from '../plugins/audit/index.ts'

/** Who the audit log says sent the request. */
export function actorOf ({ principal, ip, id }: FastifyRequest): Actor {
  return { actor: nameOf(principal), ip, request_id: id }
}

function nameOf (principal: FastifyRequest['principal']): string {
  if (!principal) return 'anonymous'
  if (principal.kind === 'session') return `session:${principal.session_id}`
  return principal.via === 'token' ? `admin_token:${principal.token_id}` : `admin:${principal.name}`
}
