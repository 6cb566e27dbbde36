import type { FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import { QUERY_TOKENS_WARNING } from './plugins/auth/index.ts'

/** What an operator reads after the start: where it listens, and at the first start all that a client needs. */
export async function welcome (app: FastifyInstance, config: Config, port: string): Promise<string> {
  const { publicUrl, tls, allowQueryTokens } = config
  const base = publicUrl ?? `${tls ? 'https' : 'http'}://localhost:${port}`
  const mcp = `${base}/mcp`
  const lines = [
    '', `Financial MCP Server listens at ${base}`, `  UI    ${base}/ui/`, `  MCP   ${mcp}`, `  REST  ${base}/api/tools`,
    `  docs  ${base}/docs`, ''
  ]
  if (allowQueryTokens) lines.push(`Warning: ${QUERY_TOKENS_WARNING}`, '')

  const setupCode = await app.admin.issueSetupCode()
  if (setupCode) {
    const body = `{"code": "${setupCode}", "name": "admin", "password": "<12 characters or more>"}`
    lines.push(`Setup code for the first admin (30 minutes): ${setupCode}`,
      `  Open ${base}/ui/#code=${setupCode}, or:`,
      `  curl -H "Content-Type: application/json" -d '${body}' ${base}/api/setup`, '')
  }

  const first = await firstToken(app)
  if (first) {
    const { name, token } = first
    lines.push(
      `A token for the connection "${name}"${name === 'sample' ? ' (made-up prices, no keys needed)' : ''}, shown this once:`,
      `  ${token}`,
      '',
      'Claude Code:',
      `  claude mcp add --transport http market ${mcp} --header "Authorization: Bearer ${token}"`,
      '',
      'Cursor and other clients with a JSON configuration:',
      JSON.stringify({ mcpServers: { market: { url: mcp, headers: { Authorization: `Bearer ${token}` } } } }, null, 2),
      '',
      'A script:',
      `  curl -H "Authorization: Bearer ${token}" "${base}/api/tools/get_quote?symbols=AAPL,MSFT"`,
      ''
    )
  } else {
    lines.push('A token for a client: npx fmcp session create <connection>', '')
  }
  return lines.join('\n')
}

/** A session of the connection that the environment's keys went into, else of the sample; at its first start only. */
async function firstToken (app: FastifyInstance): Promise<{ name: string, token: string } | undefined> {
  const sample = await app.connections.ensureSample()
  const own = (await app.connections.list()).find(({ name, credentials }) => name === 'default' && credentials.length)
  const connection = own ?? sample
  if (!connection || (await app.sessions.list(connection.id)).length) return undefined
  const { access_token: token } = await app.sessions.create(connection.id, { name: 'first start' }, { actor: 'system' })
  return { name: connection.name, token }
}
