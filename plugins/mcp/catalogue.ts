import {
  ProtocolError, ProtocolErrorCode,
  type CallToolResult, type InputRequiredResult, type Server, type ServerCapabilities, type Tool
} from '@modelcontextprotocol/server'
import { codeOf, type Problem } from '../../errors.ts'
import type { ScopeSettings } from '../../schemas/sessions.ts'
import { mayCall } from '../sessions/scope.ts'
import type { Caller, Tools } from '../tools/index.ts'
import { advice, toCaller, type McpCall } from './call.ts'
import { createInstall } from './install.ts'

/** What the transports serve. */
export interface McpCatalogue {
  /** In a stable order: those that a scope allows, or all; the latter is asked when the app is built. */
  listTools (scope?: ScopeSettings): readonly Tool[]
  /** May throw a ProtocolError; anything else that is thrown reaches the client as it is. */
  callTool (name: string, args: unknown, call: McpCall): Promise<CallToolResult | InputRequiredResult>
  /** Capabilities beside `tools`; the handlers that they promise are set by `install`. */
  capabilities?: ServerCapabilities
  /** Sets further request handlers on a server, one a request: what can be shared between them is not made in here. */
  install? (server: Server): void
  /**
   * True where calls notify before they answer: 2025 clients are then answered with a stream in place of JSON, and
   * every call comes with its context.
   */
  notifies?: boolean
}

/** The catalogue of `app.tools`, and what the server offers beside them. */
export function toolCatalogue (tools: Tools): McpCatalogue {
  const all = tools.list().map(toTool)
  return {
    listTools: (scope = {}) => scope.tools ? all.filter(({ name }) => mayCall(scope, name)) : all,
    capabilities: { resources: { listChanged: false }, prompts: { listChanged: false }, completions: {} },
    install: createInstall(tools),
    async callTool (name, args, call) {
      const caller = toCaller(call)
      try {
        const result = await tools.call(name, args, caller)
        const text = call.structured ? result.text : result.fullText
        tools.handOut(name, call.principal, text)
        const content: CallToolResult['content'] = [{ type: 'text', text }]
        return call.structured ? { content, structuredContent: result.structured } : { content }
      } catch (error) {
        // Nobody is there to read it, and the SDK sends nothing for an aborted call.
        if (caller.signal.aborted) throw error
        return toErrorResult(error, caller)
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

function toErrorResult (error: unknown, { log }: Caller): CallToolResult {
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

const textError = (text: string): CallToolResult => ({ content: [{ type: 'text', text }], isError: true })
