/* eslint-disable no-template-curly-in-string -- the clients fill these in */
/** How each client is told of the server: docs/connecting-clients.md says the same at length. */
export interface Client {
  id: string
  title: string
  /** What to do with it, before the text to copy. */
  how: string
  text: (endpoint: string, token: string) => string
  note?: string
}

/** The server's name in the clients' settings. */
const NAME = 'market'

const json = (value: unknown) => JSON.stringify(value, null, 2)
const bearer = (token: string) => `Bearer ${token}`
/** Of the REST API, from the URL of /mcp. */
const baseOf = (endpoint: string) => endpoint.replace(/\/mcp$/, '')

export const CLIENTS: Client[] = [
  {
    id: 'claude-code',
    title: 'Claude Code',
    how: 'Run this in a terminal:',
    text: (endpoint, token) =>
      `claude mcp add --transport http ${NAME} ${endpoint} --header "Authorization: ${bearer(token)}"`
  },
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    how: 'Settings → Developer → Edit Config opens claude_desktop_config.json. Put this into it, and restart Claude:',
    text: (endpoint, token) => json({
      mcpServers: {
        [NAME]: {
          command: 'npx',
          // Some break an argument at its space: the space is kept out of it.
          args: ['-y', 'mcp-remote', endpoint, '--header', 'Authorization:${AUTH_HEADER}'],
          env: { AUTH_HEADER: bearer(token) }
        }
      }
    }),
    note: 'It needs Node on the same machine: Claude Desktop starts programs; mcp-remote passes everything on.'
  },
  {
    id: 'cursor',
    title: 'Cursor',
    how: 'Put this into ~/.cursor/mcp.json, or .cursor/mcp.json of one project:',
    text: (endpoint, token) => json({
      mcpServers: { [NAME]: { url: endpoint, headers: { Authorization: bearer(token) } } }
    }),
    note: 'Keep the token out of files that are committed: "Bearer ${env:FMCP_TOKEN}" takes it from the environment.'
  },
  {
    id: 'vs-code',
    title: 'VS Code',
    how: 'Put this into .vscode/mcp.json. VS Code asks for the token once and keeps it:',
    text: endpoint => json({
      inputs: [{ type: 'promptString', id: 'fmcp-token', description: 'Session token', password: true }],
      servers: { [NAME]: { type: 'http', url: endpoint, headers: { Authorization: 'Bearer ${input:fmcp-token}' } } }
    })
  },
  {
    id: 'chatgpt',
    title: 'ChatGPT',
    how: 'ChatGPT’s own connectors send no token. Over OpenAI’s API a model gets the server as a tool of the Responses API:',
    text: (endpoint, token) => json({
      model: 'gpt-5',
      tools: [{
        type: 'mcp',
        server_label: NAME,
        server_url: endpoint,
        headers: { Authorization: bearer(token) },
        require_approval: 'never'
      }],
      input: 'What does Apple trade at?'
    }),
    note: 'OpenAI’s servers must reach yours: it needs a public https address. In ChatGPT itself (Settings → Connectors → ' +
      'Developer mode, without authentication) a one-time link from below opens one stream.'
  },
  {
    id: 'inspector',
    title: 'Inspector',
    how: 'Run this in a terminal (Node 22.19 or later):',
    text: (endpoint, token) => `npx -y @modelcontextprotocol/inspector --cli ${endpoint} --transport http \\\n` +
      `  --header "Authorization: ${bearer(token)}" --method tools/call --tool-name get_quote --tool-arg symbols=AAPL`
  },
  {
    id: 'curl',
    title: 'curl',
    how: 'Every tool is also a plain GET:',
    text: (endpoint, token) => `curl -H "Authorization: ${bearer(token)}" "${baseOf(endpoint)}/api/tools/get_quote?symbols=AAPL,MSFT"`
  },
  {
    id: 'python',
    title: 'Python',
    how: 'Nothing to install:',
    text: (endpoint, token) => [
      'import json',
      'from urllib.request import Request, urlopen',
      '',
      `request = Request("${baseOf(endpoint)}/api/tools/get_quote?symbols=AAPL,MSFT",`,
      `                  headers={"Authorization": "${bearer(token)}"})`,
      'print(json.load(urlopen(request))["data"])'
    ].join('\n')
  },
  {
    id: 'typescript',
    title: 'TypeScript',
    how: 'With npm install @modelcontextprotocol/sdk:',
    text: (endpoint, token) => [
      "import { Client } from '@modelcontextprotocol/sdk/client/index.js'",
      "import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'",
      '',
      "const client = new Client({ name: 'my-script', version: '1.0.0' })",
      `await client.connect(new StreamableHTTPClientTransport(new URL('${endpoint}'), {`,
      `  requestInit: { headers: { Authorization: '${bearer(token)}' } }`,
      '}))',
      "const answer = await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })",
      'console.log(answer.structuredContent)',
      'await client.close()'
    ].join('\n')
  }
]
