/** What every answer must be, whatever was asked. */
import { ERRORS } from '../../errors.ts'

export interface Answer {
  status: number
  headers: Record<string, unknown>
  body: string
  /** A JSON-RPC message was asked for, by a route like any other. */
  isRpc?: boolean
}

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const INTERNAL_ERROR = -32603

/** What is wrong with the answer to a REST request; undefined: nothing. */
export function faultOf (answer: Answer): string | undefined {
  if (answer.isRpc) return faultOfRpc(answer)
  const { status, headers, body } = answer
  if (status >= 500 && !isOverload(status, body)) return `status ${status}`
  const type = String(headers['content-type'] ?? '')
  if (status >= 400 && !type.startsWith('application/problem+json')) return `an error as ${type || 'nothing'}`
  if (!type.includes('json')) return undefined
  if (body === '') return undefined
  const json = parse(body)
  if (json === undefined) return 'no JSON'
  return type.startsWith('application/problem+json') ? faultOfProblem(json, status) : undefined
}

/** What is wrong with the answer to a JSON-RPC message; undefined: nothing. */
export function faultOfRpc ({ status, headers, body }: Answer): string | undefined {
  if (status >= 500 && !isOverload(status, body)) return `status ${status}`
  const type = String(headers['content-type'] ?? '')
  if (type.startsWith('application/problem+json')) return faultOfProblem(parse(body), status)
  if (type.startsWith('text/event-stream')) {
    const frames = body.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6))
    return frames.map(frame => faultOfMessage(parse(frame))).find(fault => fault !== undefined)
  }
  if (body === '') return status === 202 ? undefined : `nothing, with status ${status}`
  if (status === 202 && body === 'Accepted') return undefined
  const json = parse(body)
  if (Array.isArray(json)) return json.length ? json.map(faultOfMessage).find(fault => fault !== undefined) : 'an empty batch'
  return faultOfMessage(json)
}

/** What is wrong with one message of the server's; undefined: nothing. */
export function faultOfMessage (message: unknown): string | undefined {
  if (!isFields(message) || message['jsonrpc'] !== '2.0') return 'no JSON-RPC message'
  const { id, result, error } = message
  if ('method' in message) return undefined
  // The id of a message that could not be read may be missing: JSON-RPC has null for it, the SDK of 2025 leaves it out.
  if (id !== null && id !== undefined && !['string', 'number'].includes(typeof id)) return 'an id that is neither text nor number'
  if ((result === undefined) === (error === undefined)) return 'neither result nor error, or both'
  if (error !== undefined) {
    if (!isFields(error) || !Number.isInteger(error['code']) || typeof error['message'] !== 'string') return 'an error without code or message'
    if (error['code'] === INTERNAL_ERROR) return 'an internal error'
  }
  return JSON.stringify(result ?? '').includes('FMS_INTERNAL') ? 'an internal error of a tool' : undefined
}

function faultOfProblem (json: unknown, status: number): string | undefined {
  if (!isFields(json)) return 'a problem that is no object'
  const code = String(json['code']).replace(/^FMS_/, '')
  if (!(code in ERRORS)) return `the code ${code}`
  if (ERRORS[code as keyof typeof ERRORS].status !== status || json['status'] !== status) return `${code} with status ${status}`
  return typeof json['detail'] === 'string' && json['detail'].length > 0 ? undefined : 'no detail'
}

/** Our own, and only that, is no failure. */
export const isOverload = (status: number, body: string): boolean => status === 503 && body.includes('"FMS_OVERLOADED"')

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
