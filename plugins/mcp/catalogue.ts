import {
  ProtocolError, ProtocolErrorCode,
  type CallToolResult, type InputRequiredResult, type Server, type ServerCapabilities, type ServerContext, type Tool
} from '@modelcontextprotocol/server'
import type { FastifyBaseLogger } from 'fastify'
import { codeOf, type Problem } from '../../errors.ts'
import type { SessionPrincipal } from '../auth.ts'
import type { Tools } from '../tools.ts'

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
  /** The SDK's own context, where the catalogue installs handlers or notifies; calls may come without it otherwise. */
  context?: ServerContext
}

/** What the transports serve. */
export interface McpCatalogue {
  /** In a stable order; asked once, when the app is built. */
  listTools (): readonly Tool[]
  /** May throw a ProtocolError; anything else that is thrown reaches the client as it is. */
  callTool (name: string, args: unknown, call: McpCall): Promise<CallToolResult | InputRequiredResult>
  /** Capabilities beside `tools`; the handlers that they promise are set by `install`. */
  capabilities?: ServerCapabilities
  /** Sets further request handlers on a server, one a request. */
  install? (server: Server): void
  /** True where calls notify before they answer: 2025 clients are then answered with a stream in place of JSON. */
  notifies?: boolean
}

/** The catalogue of `app.tools`. */
export function toolCatalogue (tools: Tools): McpCatalogue {
  return {
    listTools: () => tools.list().map(toTool),
    async callTool (name, args, { structured, traceparent, context, ...caller }) {
      const log = traceparent ? caller.log.child({ traceparent }) : caller.log
      try {
        const result = await tools.call(name, args, { ...caller, log })
        return structured
          ? { content: [{ type: 'text', text: result.text }], structuredContent: result.structured }
          : { content: [{ type: 'text', text: result.fullText }] }
      } catch (error) {
        // Nobody is there to read it, and the SDK sends nothing for an aborted call.
        if (caller.signal.aborted) throw error
        return toErrorResult(error, log)
      }
    }
  }
}

function toTool (tool: ReturnType<Tools['list']>[number]): Tool {
  const { name, title, description, inputSchema, outputSchema, annotations } = tool
  return {
    name,
    title,
    description,
    inputSchema: { ...inputSchema, type: 'object' },
    outputSchema: { ...outputSchema, type: 'object' },
    annotations
  }
}

function toErrorResult (error: unknown, log: FastifyBaseLogger): CallToolResult {
  const code = codeOf(error)
  if (code === 'INTERNAL') {
    log.error({ err: error }, 'tool call failed')
    return textError('Internal error (FMS_INTERNAL)')
  }
  const failure = error as Problem
  if (code === 'TOOL_NOT_FOUND') {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, [failure.message, ...advice(failure)].join(' '))
  }
  return textError([`${failure.message} (${failure.code})`, ...advice(failure)].join(' '))
}

/** What the sentence of a problem does not say by itself. */
function advice ({ message, retry_after_seconds: seconds, suggestions = [] }: Problem): string[] {
  const unsaid = suggestions.filter(suggestion => !message.includes(suggestion))
  return [
    ...(unsaid.length ? [`Did you mean ${unsaid.join(', ')}?`] : []),
    ...(seconds === undefined ? [] : [`Retry after ${seconds} s.`])
  ]
}

const textError = (text: string): CallToolResult => ({ content: [{ type: 'text', text }], isError: true })
