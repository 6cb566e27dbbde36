import t from 'tap'
import { sendJson } from '../upstream/index.ts'
import { button, connectionsPage, keyCard, proofDialog, shell } from './pages.ts'
import { PASSWORD, startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('a refused key says so on its card, and one that works takes its place', async t => {
    const { page } = await world.enter(t, '/connections')
    await connectionsPage(page).create('keys')
    world.upstream.fault('polygon', (_, response) => sendJson(response, 401, { status: 'ERROR', error: 'Unknown API Key' }))
    const polygon = keyCard(page, 'Polygon / Massive')
    await polygon.save({ 'API key': 'a-bad-key-7731' })
    await polygon.badge('refused').waitFor()
    t.notMatch(await page.content(), 'a-bad-key-7731')

    world.upstream.fault('polygon', undefined)
    await polygon.button('Replace').click()
    t.equal(await polygon.field('API key').inputValue(), '')
    await polygon.save({ 'API key': 'a-good-key-7732' })
    await polygon.badge('works').waitFor()
    await page.getByRole('row', { name: /^quote/i }).getByText('answers, asked as number 2').waitFor()
    await page.reload()
    await polygon.badge('works').waitFor()

    await polygon.button('Remove').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await polygon.badge('no key').waitFor()

    const alpaca = keyCard(page, 'Alpaca')
    await alpaca.save({ 'Key ID': 'id-1', 'Secret key': 'secret-1' })
    await alpaca.badge('works').waitFor()
  })

  world.test('the order of providers is changed by keys and by dragging, and kept', async t => {
    const { page } = await world.enter(t, '/connections')
    await connectionsPage(page).create('order')
    await page.getByRole('link', { name: 'Settings' }).click()
    const rows = page.getByRole('list', { name: /^Providers in the order/ }).getByRole('listitem')
    const order = async () => (await rows.allTextContents()).map(text => text.trim())
    t.same(await order(), ['Alpaca', 'Polygon / Massive', 'Financial Modeling Prep', 'Finnhub'])
    await page.getByRole('button', { name: /^Finnhub, number 4/ }).focus()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowUp')
    t.same(await order(), ['Alpaca', 'Finnhub', 'Polygon / Massive', 'Financial Modeling Prep'])

    const from = await page.getByRole('button', { name: /^Alpaca, number 1/ }).boundingBox()
    const to = await rows.nth(2).boundingBox()
    await page.mouse.move(from!.x + from!.width / 2, from!.y + from!.height / 2)
    await page.mouse.down()
    await page.mouse.move(to!.x + 20, to!.y + to!.height / 2, { steps: 8 })
    await page.mouse.up()
    t.same(await order(), ['Finnhub', 'Polygon / Massive', 'Alpaca', 'Financial Modeling Prep'])

    await button(page, 'Do not ask Alpaca').click()
    await page.getByLabel('Another tool').selectOption('get_quote')
    await page.getByLabel('get_quote', { exact: true }).fill('30')
    await button(page, 'Save').click()
    await page.getByText('The settings were saved.').waitFor()
    await page.reload()
    await rows.first().waitFor()
    t.same(await order(), ['Finnhub', 'Polygon / Massive', 'Financial Modeling Prep'])
    t.equal(await page.getByLabel('get_quote', { exact: true }).inputValue(), '30')
  })

  world.test('a name that is taken is refused in the server\'s words', async t => {
    const { page, allow } = await world.enter(t, '/connections')
    allow(/409/)
    await button(page, 'New connection').click()
    await page.getByLabel('Name', { exact: true }).fill('sample')
    await button(page, 'Create').click()
    await page.getByRole('dialog').getByRole('alert').waitFor()
  })

  world.test('a connection is deleted with its name typed and the password given again', async t => {
    const { page, allow } = await world.enter(t, '/connections')
    allow(/403/)
    await connectionsPage(page).create('<b>gone</b> & "soon"')
    await page.getByRole('link', { name: 'Settings' }).click()
    await button(page, 'Delete…').click()
    const dialog = page.getByRole('dialog', { name: /^Delete / })
    const confirm = dialog.getByRole('button', { name: 'Delete', exact: true })
    t.ok(await confirm.isDisabled())
    await dialog.getByRole('textbox').fill('<b>gone</b> & "soon"')
    await world.agePasswords()
    await confirm.click()
    const proof = proofDialog(page)
    await proof.prove('wrong horse battery')
    await proof.dialog.getByRole('alert').waitFor()
    await proof.prove(PASSWORD)
    await shell(page).heading('Connections').waitFor()
    await page.getByText('<b>gone</b> & "soon" was deleted.').waitFor()
    await page.getByRole('link', { name: 'sample' }).waitFor()
    t.equal(await page.getByRole('link', { name: '<b>gone</b>' }).count(), 0)
  })
}
