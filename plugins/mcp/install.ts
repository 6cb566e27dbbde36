import type { Server, ServerContext } from '@modelcontextprotocol/server'
import type { Tools } from '../tools/index.ts'
import { toProtocolError, type McpCall } from './call.ts'
import { createComplete } from './completion.ts'
import { getPrompt, listPrompts } from './prompts.ts'
import { createRead, RESOURCES, TEMPLATES } from './resources.ts'
import { createSearch } from './search.ts'
import { toCall } from './server.ts'

/** Makes what sets the handlers of resources, prompts and completion on a server. They are made once, here. */
export function createInstall (tools: Tools): (server: Server) => void {
  const search = createSearch(tools)
  const read = createRead(search)
  const complete = createComplete(search)
  const lists = {
    resources: { resources: RESOURCES },
    templates: { resourceTemplates: TEMPLATES },
    prompts: { prompts: listPrompts() }
  }

  return server => {
    server.setRequestHandler('resources/list', () => lists.resources)
    server.setRequestHandler('resources/templates/list', () => lists.templates)
    server.setRequestHandler('resources/read', ({ params }, context) => answer(context, async call => {
      const { result, hint } = await read(params.uri, call)
      // Caching is of the modern revision.
      return context.mcpReq.envelope === undefined ? result : { ...result, ...hint }
    }))
    server.setRequestHandler('prompts/list', () => lists.prompts)
    server.setRequestHandler('prompts/get', ({ params }, context) =>
      answer(context, async () => getPrompt(params.name, params.arguments)))
    server.setRequestHandler('completion/complete', ({ params }, context) =>
      answer(context, async call => ({ completion: await complete(params, call) })))
  }
}

async function answer<T> (context: ServerContext, work: (call: McpCall) => Promise<T>): Promise<T> {
  const call = toCall(context)
  try {
    return await work(call)
  } catch (error) {
    // Nobody is there to read it, and the SDK sends nothing for an aborted call.
    if (call.signal.aborted) throw error
    throw toProtocolError(error, call)
  }
}
