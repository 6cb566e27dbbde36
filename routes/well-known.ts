import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { baseOf } from '../plugins/network/base.ts'

const MetadataSchema = Type.Object({
  resource: Type.String(),
  resource_name: Type.String(),
  bearer_methods_supported: Type.Array(Type.String())
})

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * RFC 9728: what a client that was refused reads to learn how to come in, namely with a token in the header. It names
 * no authorization server and no scopes, as there are none. `resource` is the URL that the metadata is of: the path
 * that follows the well-known one.
 */
const routes: FastifyPluginAsyncTypebox<{ config: Config }> = async (app, { config }) => {
  // A proxy that serves the app below a path may pass on the well-known paths of its whole host.
  const basePath = config.publicUrl ? new URL(config.publicUrl).pathname.replace(/\/$/, '') : ''
  for (const [path, resource] of new Map([['', ''], ['/mcp', '/mcp'], [basePath, ''], [`${basePath}/mcp`, '/mcp']])) {
    app.get(`${WELL_KNOWN}${path}`, {
      schema: { summary: 'How to authenticate', tags: ['mcp'], response: { 200: MetadataSchema } }
    }, async request => ({
      resource: `${baseOf(request, config)}${resource}`,
      resource_name: 'Financial MCP Server',
      bearer_methods_supported: config.allowQueryTokens ? ['header', 'query'] : ['header']
    }))
  }
}

export default routes
