import { ProtocolError, ProtocolErrorCode, type ServerContext } from '@modelcontextprotocol/server'
import type { FastifyBaseLogger } from 'fastify'
import { codeOf, type Problem } from '../../errors.ts'
import type { SessionPrincipal } from '../auth/index.ts'
import type { Caller } from '../tools/index.ts'

/** What a transport knows about one call. */
export interface McpCall {
  principal: SessionPrincipal
  /** Aborted when the caller has cancelled, or can no longer be answered. */
  signal: AbortSignal
  log: FastifyBaseLogger
  requestId: string
  ip: string
  client: { name: string, version: string } | undefined
  transport: 'mcp' | 'sse'
  /** False for protocol versions before 2025-06-18, which have no structured content. */
  structured: boolean
  /** W3C trace context of the caller. */
  traceparent: string | undefined
  /** The SDK's own context; a plain call comes without it where the catalogue does not notify. */
  context?: ServerContext
}

/** The same, as the tools know it. */
export function toCaller ({ structured, context, ...caller }: McpCall): Caller {
  const { log, traceparent } = caller
  return { ...caller, log: traceparent ? log.child({ traceparent }) : log }
}

export const invalid = (message: string) => new ProtocolError(ProtocolErrorCode.InvalidParams, message)

/** The SDK sends the message of whatever is thrown: here only that of a problem goes out. */
export function toProtocolError (error: unknown, { log }: Pick<McpCall, 'log'>): ProtocolError {
  if (error instanceof ProtocolError) return error
  if (codeOf(error) === 'INTERNAL') {
    log.error({ err: error }, 'MCP request failed')
    return new ProtocolError(ProtocolErrorCode.InternalError, 'Internal error (FMS_INTERNAL)')
  }
  return invalid([(error as Problem).message, ...advice(error as Problem)].join(' '))
}

/** What the sentence of a problem does not say by itself. */
export function advice ({ message, retry_after_seconds: seconds, suggestions = [] }: Problem): string[] {
  const unsaid = suggestions.filter(suggestion => !message.includes(suggestion))
  return [
    ...(unsaid.length ? [`Did you mean ${unsaid.join(', ')}?`] : []),
    ...(seconds === undefined ? [] : [`Retry after ${seconds} s.`])
  ]
}
