/** Names, symbols, errors and providers' texts that would be markup or script, were they taken for it. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { sendJson } from '../upstream/index.ts'
import { auditPage, button, connectionsPage, keyCard, loginPage, newSessionPage, playgroundPage, setupPage, shell } from './pages.ts'
import { PASSWORD, startUi } from './world.ts'

const HOSTILE = '<img src=x onerror=hacked()>"\'</td><b id=hacked>{{7*7}}'

const world = await startUi(t)

/** It stands there as it was written, and is nothing but text. */
async function assertText (t: Test, page: Page, where: string): Promise<void> {
  await page.getByText(HOSTILE).filter({ visible: true }).first().waitFor()
  await assertHarmless(t, page, where)
}

async function assertHarmless (t: Test, page: Page, where: string): Promise<void> {
  t.equal(await page.locator('#hacked, [src="x"], [onerror]').count(), 0, where)
}

if (world) {
  world.test('an address holds nothing but text', async t => {
    const { page, go } = await world.open(t)
    await go(`/#code=${encodeURIComponent(HOSTILE)}`)
    await setupPage(page).submit.waitFor()
    t.equal(await page.getByLabel('Setup code').inputValue(), HOSTILE)
    await assertHarmless(t, page, 'the setup code')
    const inside = await world.enter(t)
    inside.allow(/40[04]/)
    const query = encodeURIComponent(HOSTILE)
    for (const path of [`/${query}`, `/connections/${query}`, `/sessions/${query}`, `/sessions/new?connection=${query}`,
      `/audit?actor=${query}&session_id=${query}`, `/usage?range=${query}&tool=${query}`, `/playground/${query}`, `/system/${query}`]) {
      await inside.go(path)
      await inside.page.locator('#main :is(h1, [role=alert])').first().waitFor()
      await assertHarmless(t, inside.page, path)
    }
  })

  world.test('names of all kinds, of admins, clients and browsers too', async t => {
    const window = await world.enter(t, '/connections')
    const { page, go } = window
    await connectionsPage(page).create(HOSTILE)
    t.equal(await page.title(), `${HOSTILE} · Financial MCP Server`)
    await assertText(t, page, 'a connection')
    await page.getByRole('link', { name: 'Settings' }).click()
    await button(page, 'Delete…').click()
    await assertText(t, page, 'a dialog')
    await go('/connections')
    await assertText(t, page, 'the list of connections')

    await go('/sessions/new')
    await page.getByLabel('Connection').selectOption({ label: 'sample (made-up prices)' })
    const token = await newSessionPage(page).create(HOSTILE)
    const client = new Client({ name: HOSTILE, version: HOSTILE })
    const requestInit = { headers: { authorization: `Bearer ${token}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', world.server().url), { requestInit }))
    await client.callTool({ name: 'get_quote', arguments: { symbols: [HOSTILE] } }).catch(() => {})
    await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
    await client.close()
    await page.getByText('Connected', { exact: true }).waitFor()
    await assertText(t, page, 'the first call')
    await page.getByRole('link', { name: HOSTILE }).click()
    await assertText(t, page, 'a session')
    for (const place of ['/sessions', '/', '/audit?action=tool.call', '/usage?range=hour']) {
      await go(place)
      await assertText(t, page, place)
    }
    await go('/audit?action=tool.call')
    await auditPage(page).rows.getByRole('button').first().click()
    await page.getByLabel('the event as JSON', { exact: true }).waitFor()
    await assertText(t, page, 'an event')

    await go('/system/tokens')
    await button(page, 'New admin token').click()
    await page.getByLabel('Name', { exact: true }).fill(HOSTILE)
    await button(page, 'Create').click()
    await page.getByLabel('the admin token', { exact: true }).waitFor()
    await assertText(t, page, 'an admin token')

    await go('/system/admins')
    await button(page, 'Add an admin').click()
    await page.getByLabel('Name', { exact: true }).fill(HOSTILE)
    await page.getByRole('dialog').getByLabel('Password', { exact: true }).fill(PASSWORD)
    await button(page, 'Add').click()
    await page.getByRole('list', { name: 'Logins of admin' }).waitFor()
    await assertText(t, page, 'the admins')
    const other = await world.open(t, { userAgent: HOSTILE })
    await other.go('/')
    await loginPage(other.page).logIn(HOSTILE, PASSWORD)
    await shell(other.page).heading('Overview').waitFor()
    await assertText(t, other.page, 'who is logged in')
    await page.reload()
    await page.locator('[title]', { hasText: '<img' }).first().waitFor()
    await assertText(t, page, 'a login of a hostile browser')
  })

  world.test('what providers say, and symbols that they do not know', async t => {
    const { page, go, allow } = await world.enter(t, '/connections')
    allow(/40[04]|50[0-9]/)
    await connectionsPage(page).create('providers')
    world.upstream.fault('fmp', (_, response) => sendJson(response, 401, { 'Error Message': HOSTILE, error: HOSTILE }))
    const fmp = keyCard(page, 'Financial Modeling Prep')
    await fmp.save({ 'API key': 'a-key' })
    await fmp.badge('refused').waitFor()
    await assertHarmless(t, page, 'a key that was refused')

    world.upstream.fault('fmp', (_, response) => sendJson(response, 200, [{
      symbol: 'AAPL', companyName: HOSTILE, description: HOSTILE, sector: HOSTILE, ceo: HOSTILE, website: `javascript:${HOSTILE}`, image: 'x'
    }]))
    await fmp.button('Test').click()
    await go('/playground/get_company_profile')
    const playground = playgroundPage(page)
    await playground.connect('providers')
    await playground.field('symbol').fill('AAPL')
    await playground.call.click()
    await playground.receipt('Source').waitFor()
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click()
      await assertHarmless(t, page, `the answer, ${await tab.textContent()}`)
    }
    t.match(await page.locator('#main').textContent(), HOSTILE.slice(0, 20))
    t.equal(await page.locator('[href^="javascript:"]').count(), 0)

    world.upstream.fault('fmp', undefined)
    await go('/playground/get_quote')
    await playground.connect('providers')
    await playground.field('symbols').fill(HOSTILE)
    await playground.call.click()
    await page.getByRole('alert').first().waitFor()
    await assertHarmless(t, page, 'a symbol')
  })
}
