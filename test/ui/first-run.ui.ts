import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { button, codeText, connectionsPage, keyCard, newSessionPage, scanQrCode, setupPage, shell } from './pages.ts'
import { PASSWORD, startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('from the setup code to the first call of a real client, which arrives by itself', async t => {
    const { page, go, allow } = await world.open(t)
    allow(/401.*\/api\/setup/)
    await go('/')
    const setup = setupPage(page)
    await setup.setUp('AAAA-BBBB-CCCC', 'admin', PASSWORD)
    await page.getByRole('alert').getByText(/code/i).waitFor()
    await setup.setUp(world.setupCode(), 'admin', PASSWORD)

    await page.getByText('0 of 4 done').waitFor()
    await page.getByRole('link', { name: 'Create a connection' }).click()
    await connectionsPage(page).create('research')
    const fmp = keyCard(page, 'Financial Modeling Prep')
    await fmp.save({ 'API key': 'my-own-key' })
    await fmp.badge('works').waitFor()
    t.notMatch(await page.content(), 'my-own-key', 'the key is nowhere on the page')

    await shell(page).to('Overview')
    await page.getByText('1 of 4 done').waitFor()
    await page.getByRole('link', { name: 'New session' }).click()
    const token = await newSessionPage(page).create('my laptop')
    t.match(token, /^fmcp_st_/)
    await page.getByText('Waiting for the first call').waitFor()

    const command = await codeText(page, 'the text for Claude Code')
    const [, endpoint = '', header = ''] = /^claude mcp add --transport http market (\S+) --header "Authorization: (.+)"$/.exec(command) ?? []
    t.equal(endpoint, `${world.server().url}/mcp`)
    t.equal(header, `Bearer ${token}`)
    const client = new Client({ name: 'a-real-client', version: '4.5.6' })
    const requestInit = { headers: { authorization: header } }
    await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { requestInit }))
    const answer = await client.callTool({ name: 'get_quote', arguments: { symbols: ['AAPL'] } })
    t.match(answer.structuredContent, { meta: { provider: 'fmp' } })
    await client.close()
    await page.getByText(/^a-real-client 4\.5\.6 made its first call/).waitFor()

    await shell(page).to('Overview')
    await page.getByText('get_quote').waitFor()
    await page.getByText('1 answered').waitFor()
    // Nothing is left to do.
    await page.getByText('Get started').waitFor({ state: 'detached' })
  })

  world.test('the texts for scripts work as they are', async t => {
    const { page } = await world.enter(t, '/sessions/new')
    await newSessionPage(page).create('scripts')
    await page.getByRole('tab', { name: 'curl' }).click()
    const command = await codeText(page, 'the text for curl')
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --silent --fail`])
    t.match(JSON.parse(stdout), { data: { quotes: [{ symbol: 'AAPL' }, { symbol: 'MSFT' }] } })
    await page.getByRole('tab', { name: 'Cursor' }).click()
    const config = JSON.parse(await codeText(page, 'the text for Cursor'))
    t.equal(config.mcpServers.market.url, `${world.server().url}/mcp`)
    await page.getByText('Connected', { exact: true }).waitFor()
  })

  world.test('a one-time link is there as text and as a QR code', async t => {
    const { page } = await world.enter(t, '/sessions/new')
    await newSessionPage(page).create('phone')
    await button(page, 'Make a link').click()
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    const link = await codeText(page, 'the one-time link')
    t.match(link, /\/mcp\/connect\/fmcp_ot_/)
    t.equal(await scanQrCode(page, 'The one-time link as a QR code'), link)
  })
}
