import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { sessionScope } from '../auth/index.ts'
import type {} from '../sessions/index.ts'
import type {} from '../tools/index.ts'
import { useRpcBodies } from './body.ts'
import { toolCatalogue, type McpCatalogue } from './catalogue.ts'
import { registerConnect } from './connect.ts'
import { createServerFactory } from './server.ts'
import { registerSse } from './sse.ts'
import { createSseStreams, type SseStreams } from './sse-streams.ts'
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

  const secretEndpoint = (id: string) => `${basePath}/mcp/connect/messages/${id}.${app.oneTimeTokens.streamProof(id)}`

  let streams: ReturnType<typeof createSseStreams>
  app.decorate('mcp', { endStreams: matches => streams.endStreams(matches), countStreams: () => streams.countStreams() })
  app.register(async scope => {
    sessionScope(scope)
    scope.addHook('onRoute', route => {
      route.schema = { ...route.schema, tags: ['mcp'], summary: 'MCP: Streamable HTTP, and HTTP+SSE' }
    })
    useRpcBodies(scope)
    registerStreamable(scope, { catalogue, createServer, keepAliveMs, direct })
    const idleMs = config.sseIdleSeconds * 1000
    streams = createSseStreams(scope, { createServer, idleMs, keepAliveMs })
    registerSse(scope, streams, basePath, secretEndpoint)
  })
  app.register(async scope => {
    useRpcBodies(scope)
    registerConnect(scope, streams, secretEndpoint)
  })
}, { name: 'mcp', dependencies: ['bus', 'tools', 'auth', 'sessions', 'one-time-tokens'] })
