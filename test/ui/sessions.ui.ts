import t from 'tap'
import { ask } from '../server/process.ts'
import { button, codeText, newSessionPage, shell } from './pages.ts'
import { startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('a session is made with a scope, rotated with a grace, and revoked', async t => {
    const { page } = await world.enter(t, '/sessions/new')
    await page.getByText('What it may do').click()
    for (const tool of ['Latest quotes', 'Price bars']) await page.getByLabel(tool, { exact: true }).check()
    await page.getByLabel('Most calls in 24 hours').fill('100')
    const first = await newSessionPage(page).create('narrow')
    t.match((await ask(world.server(), first, '/api/whoami')).body, { scope: { tools: ['get_quote', 'get_bars'], calls_per_day: 100 } })

    await page.getByRole('link', { name: 'narrow' }).click()
    await shell(page).heading('narrow').waitFor()
    await page.getByText('get_quote, get_bars').waitFor()
    t.notMatch(await page.content(), first, 'the token is shown once')
    await button(page, 'Rotate').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    const second = await codeText(page, 'the token')
    t.not(second, first)
    for (const token of [first, second]) t.equal((await ask(world.server(), token, '/api/whoami')).status, 200)

    await button(page, 'Revoke').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('revoked', { exact: true }).waitFor()
    for (const token of [first, second]) t.equal((await ask(world.server(), token, '/api/whoami')).status, 401)
    await shell(page).to('Sessions')
    await page.getByRole('row', { name: /narrow/ }).getByText('revoked').waitFor()
  })

  world.test('what the server refuses stands at its field', async t => {
    const { page, allow } = await world.enter(t, '/sessions/new')
    allow(/400/)
    await page.getByText('What it may do').click()
    await page.getByLabel('May be used from').fill('not-an-address')
    await button(page, 'Create').click()
    await page.getByRole('alert').waitFor()
  })
}
