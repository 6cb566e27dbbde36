import { Server, type JSONRPCRequest, type Result, type ServerContext } from '@modelcontextprotocol/server'
import { invalid } from './call.ts'

type Handler = (request: JSONRPCRequest, context: ServerContext) => Promise<Result>

/**
 * The SDK's server, but for params of a wrong shape: it answers them with -32603 and all that its validator has to say,
 * while they are the caller's fault, and -32602. Our own handlers throw nothing but protocol errors.
 */
export class StrictServer extends Server {
  protected override _wrapHandler (method: string, handler: Handler): Handler {
    const inner = super._wrapHandler(method, handler)
    return async (request, context) => {
      try {
        return await inner(request, context)
      } catch (error) {
        if (!(error instanceof Error) || 'code' in error || context.mcpReq.signal.aborted) throw error
        throw invalid(`The params of ${method} are not valid${toReason(error.message)}.`)
      }
    }
  }
}

/** The first fault of the validator's list. */
function toReason (message: string): string {
  try {
    const [{ path, message: fault }] = JSON.parse(message) as [{ path: unknown[], message: string }]
    return `: ${path.join('.')}: ${fault}`.slice(0, 200)
  } catch {
    return ''
  }
}
