import type { Test } from 'tap'
import type { ScopeSettings } from '../../schemas/sessions.ts'
import { build } from '../helper.ts'

/** The sample market over REST and over MCP, for sessions of any scope. */
export async function buildSample (t: Test, env: Record<string, string> = {}) {
  const { app } = await build(t, env)
  const connection = await app.connections.ensureSample()
  return { app, open: async (scope: ScopeSettings = {}) => openSession(app, connection!.id, scope) }
}

type App = Awaited<ReturnType<typeof build>>['app']

/** A session of the connection: `get` over REST, `callTool` over MCP. */
export async function openSession (app: App, connectionId: string, scope: ScopeSettings = {}) {
  const { access_token: token } = await app.sessions.create(connectionId, { scope }, { actor: 'test' })
  const headers = { host: 'localhost', authorization: `Bearer ${token}` }

  async function get (path: string, args: Record<string, unknown> = {}) {
    const pairs = Object.entries(args).map(([key, value]) => [key, String(value)] as [string, string])
    const query = new URLSearchParams(pairs)
    const url = `/api/tools/${path}${query.size ? `?${query}` : ''}`
    const response = await app.inject({ url, headers })
    const { 'content-type': type, 'fms-meta': meta } = response.headers
    const body = String(type).includes('json') ? response.json() : undefined
    return {
      status: response.statusCode,
      body,
      text: response.body,
      meta: body ? body.meta : JSON.parse(decodeURI(String(meta)))
    }
  }

  async function callTool (name: string, args: object) {
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: {
        ...headers,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25'
      },
      payload: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
    })
    return response.json().result
  }

  return { get, callTool }
}
