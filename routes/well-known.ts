import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Config } from '../config.ts'

const MetadataSchema = Type.Object({
  resource: Type.String(),
  resource_name: Type.String(),
  bearer_methods_supported: Type.Array(Type.String())
})

/** RFC 9728: what a client that was refused reads to learn how to come in, namely with a token in the header. */
const routes: FastifyPluginAsyncTypebox<{ config: Config }> = async (app, { config }) => {
  for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
    app.get(path, {
      schema: { summary: 'How to authenticate at /mcp', tags: ['mcp'], response: { 200: MetadataSchema } }
    }, async request => ({
      resource: `${config.publicUrl ?? `${request.protocol}://${request.host}`}/mcp`,
      resource_name: 'Financial MCP Server',
      bearer_methods_supported: ['header']
    }))
  }
}

export default routes
