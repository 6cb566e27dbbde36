import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { sendJson } from '../upstream/index.ts'
import { button, codeText, connectionsPage, keyCard, playgroundPage, shell } from './pages.ts'
import { startUi } from './world.ts'

const SAMPLE = 'sample (made-up prices)'

const world = await startUi(t)

if (world) {
  world.test('a series is called for, and shown as table, chart with indicators, JSON and the model\'s text', async t => {
    const { page } = await world.enter(t)
    const scripts: string[] = []
    page.on('request', request => { if (request.resourceType() === 'script') scripts.push(request.url()) })
    const elsewhere: string[] = []
    page.on('request', request => { if (!request.url().startsWith(world.server().url)) elsewhere.push(request.url()) })
    await shell(page).to('Playground')
    const playground = playgroundPage(page)
    await playground.connect(SAMPLE)
    await playground.choose('Price bars')
    await playground.field('symbols').fill('AAPL')
    await playground.field('limit').fill('60')
    await playground.call.click()

    const rows = page.getByRole('table', { name: 'Price bars' }).getByRole('row')
    await rows.first().waitFor()
    t.equal(await rows.count(), 61)
    t.match(await playground.receipt('Source').textContent(), /made it up/)
    t.match(await playground.receipt('Prices').textContent(), 'Prices are adjusted for splits. Money is in USD.')
    t.match(await playground.receipt('Cache').textContent(), 'It was fetched for this call.')

    t.equal(scripts.filter(url => /price-chart/.test(url)).length, 0, 'the library is not loaded before it is needed')
    await playground.show('Chart')
    t.equal(scripts.filter(url => /price-chart/.test(url)).length, 1)
    await page.getByText('TradingView Lightweight Charts™ Copyright').waitFor()
    t.ok(await page.getByRole('link', { name: 'https://www.tradingview.com/' }).isVisible())
    for (const indicator of ['SMA 20', 'RSI 14']) await page.getByLabel(indicator).check()
    for (const column of ['sma_20', 'rsi_14']) await page.getByText(new RegExp(`${column} [\\d.]+`)).waitFor()
    t.same(elsewhere, [], 'nothing is asked of anybody else')

    await playground.tab('JSON').click()
    const answer = JSON.parse(await codeText(page, 'the answer as JSON'))
    t.equal(answer.data.series[0].columns.close.length, 60)
    await playground.tab('What the model sees').click()
    t.match(await codeText(page, 'what the model sees'), /^AAPL 1day USD[^]*source sample/)
    await page.getByText(/About \d+ tokens/).waitFor()

    await playground.call.click()
    await page.getByText('out of the cache').waitFor()
    await page.reload()
    await playground.call.waitFor()
    t.equal(await playground.field('limit').inputValue(), '60', 'what was called last is remembered')
  })

  world.test('the same call works as curl, and stands there as MCP JSON', async t => {
    const { page } = await world.enter(t, '/playground/get_bars')
    const playground = playgroundPage(page)
    await playground.field('symbols').fill('AAPL, BTC/USD')
    await playground.field('timeframe').selectOption('1week')
    await playground.field('limit').fill('3')
    await page.getByText('The same call as').click()
    const command = await codeText(page, 'the call as curl')
    const env = { PATH: process.env['PATH'], FMCP_TOKEN: world.server().token }
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --silent --fail`], { env })
    t.match(JSON.parse(stdout), { data: { series: [{ symbol: 'AAPL', timeframe: '1week' }, { symbol: 'BTC/USD' }] } })
    await playground.tab('MCP JSON').click()
    t.match(JSON.parse(await codeText(page, 'the call as MCP JSON')), {
      method: 'tools/call',
      params: { name: 'get_bars', arguments: { symbols: ['AAPL', 'BTC/USD'], timeframe: '1week', limit: 3 } }
    })
  })

  world.test('what is wrong stands at its field, found here or by the server', async t => {
    const { page, allow } = await world.enter(t, '/playground/get_bars')
    allow(/40[04]/)
    const playground = playgroundPage(page)
    const faultOf = async (name: string) => {
      const ids = await playground.field(name).getAttribute('aria-describedby')
      return page.locator(`[id="${ids?.split(' ').at(-1)}"]`).textContent()
    }
    await playground.field('symbols').fill('')
    await playground.field('limit').fill('0')
    let calls = 0
    page.on('request', request => { if (/\/tools\/get_bars$/.test(request.url())) calls += 1 })
    await playground.call.click()
    await page.getByText('It is needed.').waitFor()
    t.equal(await faultOf('limit'), 'It must be at least 1.')
    t.equal(await page.locator(':focus').getAttribute('name'), 'symbols')
    t.equal(calls, 0)

    await button(page, 'Start over').click()
    await page.getByText('How it is answered').click()
    await playground.field('fields').fill('close,<b>nope</b>')
    await playground.call.click()
    await page.getByRole('alert').getByText('get_bars has no field "<b>nope</b>"').waitFor()
    t.equal(await faultOf('fields'), 'There is no "<b>nope</b>".')
    t.equal(calls, 1)
  })

  world.test('an unknown symbol is said with what to do; one that fails over says who failed', async t => {
    const { page, go, allow } = await world.enter(t, '/connections')
    allow(/404/)
    await connectionsPage(page).create('two keys')
    for (const provider of ['Polygon / Massive', 'Financial Modeling Prep']) {
      await keyCard(page, provider).save({ 'API key': 'a-key' })
      await keyCard(page, provider).badge('works').waitFor()
    }
    await go('/playground/get_quote')
    const playground = playgroundPage(page)
    await playground.connect(SAMPLE)
    await playground.field('symbols').fill('NOSUCHX')
    await playground.call.click()
    await page.getByRole('alert').getByText('search_symbols finds a symbol by name').waitFor()
    await page.getByText('FMS_SYMBOL_NOT_FOUND').waitFor()
    await playground.field('symbols').fill('AAP')
    await playground.call.click()
    await button(page, 'AAPL').click()
    t.equal(await playground.field('symbols').inputValue(), 'AAPL', 'a near spelling is one click away')

    world.upstream.fault('polygon', (_, response) => sendJson(response, 500, { status: 'ERROR' }))
    t.teardown(() => world.upstream.fault('polygon', undefined))
    await playground.connect('two keys')
    await playground.field('symbols').fill('AAPL')
    await playground.call.click()
    t.match(await playground.receipt('Source').textContent(), 'Financial Modeling Prep made it.')
    t.match(await playground.receipt('Attempts').textContent(), 'Polygon / Massive did not answer: unavailable.')
  })
}
