import t from 'tap'
import { REVISIONS, findNode, runConformance, runSuite } from '../conformance/run.ts'
import { build } from '../helper.ts'

let node: string | undefined
try {
  node = findNode()
} catch (error) {
  if (process.env.CI) throw error
}
const options = { skip: node ? false : 'the suite needs Node 22 or later: set CONFORMANCE_NODE to one', timeout: 180_000 }

/** The scenarios that need none of the suite's own tools. */
const FIXTURE_FREE: Record<string, string[]> = {
  '2025-11-25': ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'],
  '2026-07-28': ['tools-list', 'dns-rebinding-protection', 'http-header-validation', 'server-stateless']
}

for (const revision of REVISIONS) {
  t.test(`the plugin passes what revision ${revision} requires`, options, async t => {
    const { code, output } = await runConformance(revision, node)
    if (code !== 0) t.comment(output)
    t.equal(code, 0)
  })

  t.test(`the whole server passes the scenarios of revision ${revision} that need no fixtures`, options, async t => {
    const { app, connect } = await build(t)
    const { token } = await connect({ keys: [], name: 'sample', settings: { provider_order: ['sample'] } })
    const url = new URL('/mcp', await app.listen({ host: '127.0.0.1', port: 0 }))
    for (const scenario of FIXTURE_FREE[revision] ?? []) {
      const { code, output } = await runSuite(url, token, ['--scenario', scenario, '--spec-version', revision], node)
      if (code !== 0) t.comment(output)
      t.equal(code, 0, scenario)
    }
    app.server.closeAllConnections()
  })
}
