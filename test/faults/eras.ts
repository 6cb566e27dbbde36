/** What each kind of client sends that keeps no stream. */
import type { Call } from './load.ts'
import { rest } from './world.ts'

export const ERAS = ['rest', '2026-07-28', '2025-11-25'] as const
export type Era = typeof ERAS[number]

export interface Question { name: string, args: Record<string, unknown> }

/** One question as a client of the era puts it. */
export function toCall (
  server: { url: string }, token: string, era: Era, { name, args }: Question, kind: string
): Call {
  if (era === 'rest') {
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(args)) query.set(key, String(value))
    return rest(server, token, `${name}?${query}`, kind)
  }
  const modern = era === '2026-07-28'
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': era,
    'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {}
  }
  const params = { name, arguments: args, ...(modern && { _meta }) }
  return {
    url: `${server.url}/mcp`,
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': era,
      ...(modern && { 'mcp-method': 'tools/call', 'mcp-name': name })
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    kind
  }
}
