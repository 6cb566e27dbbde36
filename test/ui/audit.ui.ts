import { readFileSync } from 'node:fs'
import t from 'tap'
import { query } from '../database.ts'
import { auditPage, button, card, codeText, connectionsPage, proofDialog, shell } from './pages.ts'
import { PASSWORD, startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('events are filtered, shown in full, and kept in the address', async t => {
    const { page } = await world.enter(t, '/connections')
    await connectionsPage(page).create('filtered')
    await shell(page).to('Audit')
    const audit = auditPage(page)
    await audit.rows.getByText('connection.create').first().waitFor()
    await audit.filter({ Action: 'admin.setup' })
    await page.waitForURL(/\?action=admin\.setup$/)
    await audit.rows.getByText('admin.setup').waitFor()
    t.equal(await audit.rows.count(), 1)
    await audit.rows.getByRole('button', { name: /details$/ }).click()
    const dialog = page.getByRole('dialog', { name: /^admin\.setup, number \d+$/ })
    t.match(JSON.parse(await codeText(page, 'the event as JSON')), { action: 'admin.setup', outcome: 'ok' })
    await dialog.getByRole('button', { name: 'Close' }).click()

    await audit.filter({ Outcome: 'FORBIDDEN' })
    await page.getByText('No event fits').waitFor()
    await page.goBack()
    await audit.rows.getByText('admin.setup').waitFor()
    t.equal(await audit.rows.count(), 1)
    await button(page, 'Clear').click()
    await audit.rows.getByText('connection.create').first().waitFor()
    const now = await page.evaluate('new Date(Date.now() - new Date().getTimezoneOffset() * 60000 + 60000).toISOString().slice(0, 16)')
    await audit.filter({ Since: String(now) })
    await page.getByText('No event fits').waitFor()
  })

  world.test('older events come page by page, and new ones by themselves', async t => {
    const { page, context } = await world.enter(t, '/audit')
    const base = world.server().url
    const change = (path: string, data: unknown) =>
      context.request.post(`${base}${path}`, { headers: { origin: base }, data })
    for (let i = 0; i < 55; i++) await change('/api/connections', { name: `many ${i}` })
    const audit = auditPage(page)
    await page.goto(`${base}/ui/audit?action=connection.create`)
    await audit.rows.first().waitFor()
    t.equal(await audit.rows.count(), 50)
    await button(page, 'Show older').click()
    await audit.rows.nth(50).waitFor()
    await button(page, 'Show older').waitFor({ state: 'detached' })
    const all = await audit.rows.count()

    await page.getByLabel('Follow live').check()
    await change('/api/connections', { name: 'the newest' })
    await audit.rows.nth(all).waitFor()
    t.equal(await audit.rows.count(), all + 1)
    await audit.rows.first().getByRole('button').click()
    const event = JSON.parse(await codeText(page, 'the event as JSON')) as { seq: number, time: string }
    const [newest] = (await (await context.request.get(`${base}/api/audit?action=connection.create&limit=1`)).json()).items
    t.same(event, newest)
  })

  world.test('the log is exported as a file, once the password was given again', async t => {
    const { page } = await world.enter(t, '/audit?action=admin.login')
    await world.agePasswords()
    await button(page, 'Export as NDJSON').click()
    const [ndjson] = await Promise.all([page.waitForEvent('download'), proofDialog(page).prove(PASSWORD)])
    t.match(ndjson.suggestedFilename(), /^audit-\d{4}-\d\d-\d\d\.ndjson$/)
    const lines = readFileSync(await ndjson.path(), 'utf8').trim().split('\n').map(line => JSON.parse(line))
    t.ok(lines.length > 0 && lines.every(({ action, hash }) => action === 'admin.login' && hash))
    const [csv] = await Promise.all([page.waitForEvent('download'), button(page, 'Export as CSV').click()])
    t.match(readFileSync(await csv.path(), 'utf8'), /^seq,/)
  })

  world.test('the chain is verified, and what was changed in the database shows', async t => {
    const { page } = await world.enter(t, '/audit')
    const verify = card(page, 'Is it what was written?')
    await verify.getByRole('button', { name: 'Verify' }).click()
    await verify.getByText(/^The log is whole: \d+ events from number 1 on$/).waitFor()
    await verify.getByText(/^Verified .+, in [\d.,]+ m?s\.$/).waitFor()
    const head = await codeText(page, 'the head')
    await verify.getByLabel('A head noted earlier').fill(head)
    await verify.getByRole('button', { name: 'Verify' }).click()
    await verify.getByText(/^The log is whole/).waitFor()

    await query(world.databaseUrl, 'ALTER TABLE audit_logs DISABLE TRIGGER USER')
    await query(world.databaseUrl, "UPDATE audit_logs SET actor = 'admin:somebody else' WHERE seq = 2")
    await verify.getByRole('button', { name: 'Verify' }).click()
    await verify.getByText('The log is not what was written').waitFor()
    await verify.getByText(/^Event 2: it was changed/).waitFor()
  })
}
