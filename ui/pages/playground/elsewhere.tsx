import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import { Code } from '../../components/copy.tsx'
import { Tabs } from '../../components/tabs.tsx'

interface Call { tool: string, args: Record<string, unknown> }

/** The call that the form stands for, to be made without it. */
export function Elsewhere ({ tool, args }: Call) {
  const { data: endpoint = '' } = useQuery(queries.endpoint())
  return (
    <details className='elsewhere'>
      <summary>The same call as curl or MCP JSON</summary>
      <Tabs
        label='As'
        tabs={[
          {
            id: 'curl',
            title: 'curl',
            content: (
              <>
                <Code text={toCurl(endpoint.replace(/\/mcp$/, ''), { tool, args })} of='the call as curl' />
                <p className='hint'>With a session’s token in the variable FMCP_TOKEN.</p>
              </>
            )
          },
          { id: 'mcp', title: 'MCP JSON', content: <Code text={toMcp({ tool, args })} of='the call as MCP JSON' /> }
        ]}
      />
    </details>
  )
}

/** @param base of the REST API */
export function toCurl (base: string, { tool, args }: Call): string {
  const parameters = Object.entries(args).map(([name, value]) =>
    `--data-urlencode ${toQuoted(`${name}=${[value].flat().join(',')}`)}`)
  return [
    `curl -G -H "Authorization: Bearer $FMCP_TOKEN" ${toQuoted(`${base}/api/tools/${tool}`)}`, ...parameters
  ].join(' \\\n  ')
}

/** For a shell: nothing in it means anything to it. */
const toQuoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function toMcp ({ tool, args }: Call): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }, null, 2)
}
