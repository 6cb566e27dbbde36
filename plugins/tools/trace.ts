import type { Trace } from '../../trace.ts'
import type { Tools } from './index.ts'

/** Each call is one span, under that of its message, or else of its request. */
export function traceCalls (call: Tools['call'], span: Trace, isKnown: (name: string) => boolean): Tools['call'] {
  return (name, args, caller) => {
    const { transport, requestId, traceparent, principal } = caller
    const tool = isKnown(name) ? name : 'unknown'
    const attributes = {
      'gen_ai.tool.name': tool,
      'fms.transport': transport,
      'fms.request_id': requestId,
      'fms.connection_id': principal.connection_id
    }
    return span(`tools/call ${tool}`, { attributes, traceparent }, () => call(name, args, caller))
  }
}
