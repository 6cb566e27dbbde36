import { Type } from 'typebox'
import { UsageSchema } from '../schemas/usage.ts'
import { defineTool } from './define.ts'

export const getUsage = defineTool({
  name: 'get_usage',
  title: 'Usage and limits',
  description: 'What this session has called today, and for each provider: calls used and left in each of its limits, and what its plan was found not to include. ' +
    'Ask it before many calls, or when an answer came from an unexpected provider.',
  input: Type.Object({}, { additionalProperties: false }),
  output: UsageSchema,
  ttl: () => 0,
  async fetch (_, call) {
    return { data: await call.usage(), meta: { provider: null, as_of: null, tried: [] } }
  },
  present: usage => ({ data: usage })
})
