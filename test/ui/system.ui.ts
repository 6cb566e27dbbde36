import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { query } from '../database.ts'
import { ask } from '../server/process.ts'
import { sendJson } from '../upstream/index.ts'
import { button, card, codeText, connectionsPage, keyCard, proofDialog, rowsOf } from './pages.ts'
import { PASSWORD, startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('health has a sentence for everything, and says what is down', async t => {
    const { page, go, context } = await world.enter(t, '/connections')
    await connectionsPage(page).create('failing')
    const path = new URL(page.url()).pathname.replace('/ui', '/api')
    const fmp = keyCard(page, 'Financial Modeling Prep')
    await fmp.save({ 'API key': 'a-key' })
    await fmp.badge('works').waitFor()
    await go('/system')
    const health = card(page, 'Health')
    await health.getByText('all well').waitFor()
    await health.getByText('Postgres answers.').waitFor()
    await card(page, 'Server').getByText(/^\d+\.\d+\.\d+, Node \d+/).waitFor()
    await card(page, 'Database').getByText(/^\d+ run$/).waitFor()

    world.upstream.fault('fmp', (_, response) => sendJson(response, 503, { error: 'down for maintenance' }))
    const base = world.server().url
    const fail = (symbol: string) => context.request.post(`${base}${path}/tools/get_quote`, {
      headers: { origin: base }, data: { symbols: [symbol] }
    })
    // As many failures in a row as its breaker bears.
    for (const symbol of ['AAPL', 'MSFT', 'NVDA', 'TSLA', 'AMD', 'INTC']) await fail(symbol)
    await health.getByText('1 down').waitFor()
    await health.getByText(/fails with every key/).waitFor()
    world.upstream.fault('fmp', undefined)
  })

  world.test('the cache is emptied', async t => {
    const { page, context } = await world.enter(t, '/system')
    const base = world.server().url
    const connections = await (await context.request.get(`${base}/api/connections`)).json() as { id: string, name: string }[]
    const sample = connections.find(({ name }) => name === 'sample')
    await context.request.post(`${base}/api/connections/${sample?.id}/tools/get_quote`, {
      headers: { origin: base }, data: { symbols: ['AAPL'] }
    })
    const cache = card(page, 'Cache')
    await cache.getByText(/^[1-9]\d* answers, /).first().waitFor()
    await cache.getByRole('button', { name: 'Clear…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Clear', exact: true }).click()
    await page.getByText(/^The cache was cleared: [1-9]\d* answers? dropped\.$/).waitFor()
    await cache.getByText('0 answers, 0 byte').first().waitFor()
  })

  world.test('the keys are wrapped anew after a fresh proof, and a run anywhere shows', async t => {
    const { page, allow } = await world.enter(t, '/system/keys')
    allow(/403.*\/api\/keys\/rewrap/)
    await card(page, 'Master keys').getByRole('cell', { name: 'primary' }).waitFor()
    const rewrap = card(page, 'Wrap anew')
    await rewrap.getByText('It was not done yet.').waitFor()
    await world.agePasswords()
    await rewrap.getByRole('button').click()
    await proofDialog(page).prove(PASSWORD)
    await rewrap.getByText(/^(\d+ of \d+ wrapped|Nothing was left to wrap), .* by admin:/).waitFor()

    // As another replica in the midst of it writes.
    await query(world.databaseUrl, `UPDATE key_rewraps SET ended_at = NULL, outcome = NULL, done = 3, total = 10,
      seen_at = now() + interval '1 hour'`)
    await rewrap.getByRole('progressbar', { name: /3 of 10 wrapped$/ }).waitFor()
    await query(world.databaseUrl, "UPDATE key_rewraps SET seen_at = now() - interval '1 hour'")
    await rewrap.getByText('It was interrupted').waitFor()
  })

  world.test('a backup is taken after a fresh proof, and holds no secret', async t => {
    const { page, allow } = await world.enter(t, '/system/keys')
    allow(/403.*\/api\/backup/)
    await world.agePasswords()
    await button(page, 'Take a backup').click()
    const [download] = await Promise.all([page.waitForEvent('download'), proofDialog(page).prove(PASSWORD)])
    t.match(download.suggestedFilename(), /^fmcp-\d{4}-\d\d-\d\d\.backup$/)
    const text = gunzipSync(readFileSync(await download.path())).toString()
    t.match(text, /failing/, 'the connection is in it')
    t.notMatch(text, 'a-key"', 'its key is not')
    await page.getByText(`${download.suggestedFilename()}, `).waitFor()
  })

  world.test('an admin token is shown once, works, and is revoked', async t => {
    const { page, allow } = await world.enter(t, '/system/tokens')
    allow(/403.*\/api\/admin-tokens/)
    await world.agePasswords()
    await button(page, 'New admin token').click()
    await page.getByLabel('Name', { exact: true }).fill('deploy')
    await button(page, 'Create').click()
    await proofDialog(page).prove(PASSWORD)
    const token = await codeText(page, 'the admin token')
    t.equal((await ask(world.server(), token, '/api/connections')).status, 200)
    const row = rowsOf(page, 'Admin tokens').filter({ hasText: 'deploy' })
    await row.getByText('active').waitFor()
    await page.reload()
    await row.waitFor()
    t.notMatch(await page.content(), token)
    await button(page, 'Revoke deploy').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await row.getByText('revoked').waitFor()
    t.equal((await ask(world.server(), token, '/api/connections')).status, 401)
  })
}
