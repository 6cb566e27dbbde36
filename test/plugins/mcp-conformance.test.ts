import t from 'tap'
import { REVISIONS, findNode, runConformance, runSuite } from '../conformance/run.ts'
import { build } from '../helper.ts'

let node: string | undefined
try {
  node = findNode()
} catch { /* It is skipped then, and says what it needs. */ }
const options = { skip: node ? false : 'the suite needs Node 22 or later: set CONFORMANCE_NODE to one', timeout: 300_000 }

// The suite starts a process for each scenario: longer than a file of tests usually has.
t.setTimeout(600_000)

/** The scenarios that need none of the suite's own tools. */
const FIXTURE_FREE: Record<string, string[]> = {
  '2025-11-25': ['server-initialize', 'ping', 'tools-list', 'resources-list', 'prompts-list', 'dns-rebinding-protection'],
  '2026-07-28': [
    'tools-list', 'resources-list', 'prompts-list', 'sep-2164-resource-not-found', 'caching', 'dns-rebinding-protection',
    'http-header-validation', 'server-stateless'
  ]
}

/** Checks of `server-stateless` that call a diagnostic tool of the suite; the plugin's run above has it. */
const NEED_DIAGNOSTIC_TOOLS = [
  'sep-2575-http-server-no-independent-requests-on-stream', 'sep-2575-missing-capability-http-400',
  'sep-2575-server-no-log-without-loglevel', 'sep-2575-server-rejects-undeclared-capability'
]

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
      // eslint-disable-next-line no-control-regex
      const failed = [...output.matchAll(/\[(\S+) *\] \x1b\[31mFAILURE/g)].map(([, check]) => check)
      const untestable = scenario === 'server-stateless' ? NEED_DIAGNOSTIC_TOOLS : []
      t.same(failed.sort(), untestable, scenario)
      t.equal(code, untestable.length ? 1 : 0)
      if (failed.length !== untestable.length) t.comment(output)
    }
    app.server.closeAllConnections()
  })
}
