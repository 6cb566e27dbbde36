import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { sessionScope } from '../auth.ts'
import type {} from '../sessions.ts'
import type {} from '../tools.ts'
import { useRpcBodies } from './body.ts'
import { toolCatalogue, type McpCatalogue } from './catalogue.ts'
import { createServerFactory } from './server.ts'
import { registerSse, type SseStreams } from './sse.ts'
import { registerStreamable } from './streamable.ts'

declare module 'fastify' {
  interface FastifyInstance {
    mcp: SseStreams
  }
}

export interface McpOptions {
  config: Pick<Config, 'publicUrl' | 'sseIdleSeconds'>
  /** What is served; default: the tools of the app. */
  catalogue?: McpCatalogue
  /** False: every call goes through the SDK, the plain ones too. */
  direct?: boolean
  /** Time between two comments on an open stream. */
  keepAliveMs?: number
}

/** MCP in its three forms: the modern revision and the 2025 ones at /mcp, HTTP+SSE at /mcp and /messages. */
export default fp<McpOptions>(async (app, { config, catalogue: given, keepAliveMs = 15_000, direct = true }) => {
  const catalogue = given ?? toolCatalogue(app.tools)
  const createServer = createServerFactory(catalogue)
  const basePath = config.publicUrl ? new URL(config.publicUrl).pathname.replace(/\/$/, '') : ''

  let streams: SseStreams | undefined
  app.decorate('mcp', { endStreams: matches => streams?.endStreams(matches) ?? 0 })
  // A stream does not outlive its session.
  app.sessions.onRevoked(({ session_id: session, connection_id: connection }) => {
    streams?.endStreams(principal => principal.session_id === session || principal.connection_id === connection)
  })
  app.register(async scope => {
    sessionScope(scope)
    scope.addHook('onRoute', route => {
      route.schema = { ...route.schema, tags: ['mcp'], summary: 'MCP: Streamable HTTP, and HTTP+SSE' }
    })
    useRpcBodies(scope)
    registerStreamable(scope, { catalogue, createServer, keepAliveMs, direct })
    const idleMs = config.sseIdleSeconds * 1000
    streams = registerSse(scope, { createServer, basePath, idleMs, keepAliveMs, bus: app.bus })
  })
}, { name: 'mcp', dependencies: ['bus', 'tools', 'auth', 'sessions'] })
