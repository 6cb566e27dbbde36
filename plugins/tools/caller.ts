import type { FastifyBaseLogger } from 'fastify'
import type { ScopeSettings } from '../../schemas/sessions.ts'
import type { SessionPrincipal } from '../sessions/index.ts'

/** An admin who tries a connection out, without a session. */
export interface TrialPrincipal {
  kind: 'trial'
  session_id: null
  connection_id: string
  /** Empty: all that the connection may. */
  scope: ScopeSettings
  /** As the audit log names actors. */
  actor: string
}

/** On whose behalf a call is made. */
export type CallPrincipal = SessionPrincipal | TrialPrincipal

/** Who calls, and over what. */
export interface Caller {
  principal: CallPrincipal
  signal: AbortSignal
  log: FastifyBaseLogger
  requestId: string
  ip: string
  client?: { name: string, version: string } | undefined
  transport: 'mcp' | 'sse' | 'rest' | 'trial'
  /** W3C trace context that came with the message itself. */
  traceparent?: string | undefined
}
