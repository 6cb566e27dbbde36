/** The official clients. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport as StreamableV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

export interface AnyClient {
  listTools: () => Promise<{ tools: { name: string }[] }>
  callTool: (call: { name: string, arguments: Record<string, unknown> }) => Promise<unknown>
  close: () => Promise<void>
}

/** How a client sends, where the plain `fetch` does not do. */
interface Sending { fetch?: typeof fetch }

const INFO = { name: 'test-client', version: '1.2.3' }

type Connect = (url: URL, headers: Record<string, string>, sending?: Sending) => Promise<AnyClient>

/** One a kind of the protocol. */
export const CLIENTS: Record<string, Connect> = {
  async 'SDK 2, modern' (url, headers, sending = {}) {
    const client = new Client(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers }, ...sending }))
    return client
  },
  async 'SDK 2, legacy' (url, headers, sending = {}) {
    const client = new Client(INFO, { versionNegotiation: { mode: 'legacy' } })
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers }, ...sending }))
    return client
  },
  async 'SDK 1, Streamable HTTP' (url, headers, sending = {}) {
    const client = new ClientV1(INFO)
    // Its transport's optional members are typed less exactly than this project's compiler asks.
    await client.connect(new StreamableV1(url, { requestInit: { headers }, ...sending }) as Parameters<ClientV1['connect']>[0])
    return client
  },
  async 'SDK 1, HTTP+SSE' (url, headers, sending = {}) {
    const client = new ClientV1(INFO)
    await client.connect(new SSEClientTransport(url, { requestInit: { headers }, ...sending }))
    return client
  }
}
