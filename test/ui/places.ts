/** Where to look: every page with something on it, for what is looked at on all of them. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { sendJson } from '../upstream/index.ts'
import { button, connectionsPage, keyCard, newSessionPage, playgroundPage } from './pages.ts'
import type { Window, World } from './world.ts'

export interface Place {
  /** Of the file of its screenshot. */
  name: string
  path: string
  /** What to do there first. */
  prepare?: (window: Window) => Promise<void>
}

/** Fills the server with what pages show. @returns the pages, which a login is needed for */
export async function furnish (world: World, window: Window): Promise<Place[]> {
  const { page, go } = window
  await go('/connections')
  await connectionsPage(page).create('research')
  const connection = new URL(page.url()).pathname.replace('/ui', '')
  await keyCard(page, 'Financial Modeling Prep').save({ 'API key': 'a-key' })
  await keyCard(page, 'Financial Modeling Prep').badge('works').waitFor()
  world.upstream.fault('polygon', (_, response) => sendJson(response, 401, { status: 'ERROR', error: 'Unknown API Key' }))
  await keyCard(page, 'Polygon / Massive').save({ 'API key': 'a-key' })
  await keyCard(page, 'Polygon / Massive').badge('refused').waitFor()

  const sessions: string[] = []
  for (const [name, calls] of [['Claude on my laptop', ['get_quote', 'get_bars', 'get_no_such']], ['Cursor', []]] as const) {
    await go('/sessions/new')
    const token = await newSessionPage(page).create(name)
    if (calls.length) await call(world, token, calls)
    await page.getByRole('link', { name }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
    sessions.push(new URL(page.url()).pathname.replace('/ui', ''))
  }
  return [
    { name: 'overview', path: '/' },
    { name: 'connections', path: '/connections' },
    { name: 'connection-new', path: '/connections', prepare: ({ page }) => button(page, 'New connection').click() },
    { name: 'connection-keys', path: connection },
    { name: 'connection-settings', path: `${connection}/settings` },
    { name: 'connection-sessions', path: `${connection}/sessions` },
    { name: 'sessions', path: '/sessions' },
    { name: 'session-new', path: '/sessions/new', prepare: ({ page }) => page.getByText('What it may do').click() },
    { name: 'session-used', path: sessions[0] ?? '' },
    {
      name: 'session-waiting',
      path: sessions[1] ?? '',
      async prepare ({ page }) {
        await button(page, /^Make a/).click()
        await page.getByRole('img', { name: /QR code/ }).waitFor()
      }
    },
    { name: 'playground', path: '/playground' },
    {
      name: 'playground-chart',
      path: '/playground/get_bars',
      async prepare ({ page }) {
        await playgroundPage(page).connect('sample (made-up prices)')
        await playgroundPage(page).call.click()
        await playgroundPage(page).show('Chart')
        for (const indicator of ['SMA 20', 'RSI 14']) await page.getByLabel(indicator).check()
        await page.getByText(/rsi_14 [\d.]/).waitFor()
      }
    },
    {
      name: 'playground-problem',
      path: '/playground/get_quote',
      async prepare ({ page }) {
        await playgroundPage(page).connect('sample (made-up prices)')
        await playgroundPage(page).field('symbols').fill('NOSUCHX')
        await playgroundPage(page).call.click()
        await page.getByRole('alert').waitFor()
      }
    },
    {
      name: 'usage',
      path: '/usage?range=hour',
      async prepare ({ page }) {
        await page.locator('.plot canvas').nth(3).waitFor()
        await page.getByText('The charts as a table').click()
      }
    },
    { name: 'audit', path: '/audit' },
    {
      name: 'audit-event',
      path: '/audit?action=tool.call',
      async prepare ({ page }) {
        await page.getByRole('button', { name: /details$/ }).first().click()
        await page.getByRole('dialog').waitFor()
      }
    },
    {
      name: 'audit-verified',
      path: '/audit?outcome=FORBIDDEN',
      async prepare ({ page }) {
        await button(page, 'Verify').click()
        await page.getByText(/^The log is whole/).waitFor()
      }
    },
    { name: 'system', path: '/system' },
    {
      name: 'system-keys',
      path: '/system/keys',
      async prepare ({ page }) {
        await button(page, 'Wrap every key anew').click()
        await page.getByText(/ wrap(ped)?, .* by admin:/).waitFor()
      }
    },
    { name: 'system-admins', path: '/system/admins' },
    {
      name: 'system-tokens',
      path: '/system/tokens',
      async prepare ({ page }) {
        await button(page, 'New admin token').click()
        await page.getByLabel('Name', { exact: true }).fill('deploy')
        await button(page, 'Create').click()
        await page.getByLabel('the admin token', { exact: true }).waitFor()
      }
    },
    {
      name: 'system-account',
      path: '/system/account',
      async prepare ({ page }) {
        await button(page, 'Turn it on…').click()
        await page.getByRole('img', { name: /QR code/ }).waitFor()
      }
    },
    { name: 'no-such-page', path: '/nowhere' }
  ]
}

async function call (world: World, token: string, tools: readonly string[]): Promise<void> {
  const client = new Client({ name: 'claude-code', version: '2.1.0' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', world.server().url), { requestInit }))
  for (const name of tools) await client.callTool({ name, arguments: { symbols: ['AAPL'] } }).catch(() => {})
  await client.close()
}
