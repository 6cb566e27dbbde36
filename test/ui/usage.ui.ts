import t from 'tap'
import { ask } from '../server/process.ts'
import { button, shell, usagePage } from './pages.ts'
import { startUi } from './world.ts'

/** Held so long, an answer comes well after the page is painted. */
const LATE_MS = 600

const world = await startUi(t)

if (world) {
  world.test('calls show up by time, tool and session, narrowed by what is chosen', async t => {
    const { page, go } = await world.enter(t)
    const { token } = world.server()
    for (const symbol of ['AAPL', 'AAPL', 'MSFT']) await ask(world.server(), token, `/api/tools/get_quote?symbols=${symbol}`)
    await ask(world.server(), token, '/api/tools/get_bars?symbols=AAPL&limit=5')
    await ask(world.server(), token, '/api/tools/get_quote?symbols=NOSUCHX')
    const usage = usagePage(page)
    await shell(page).to('Usage')
    // They are written every five seconds; the page asks anew by itself.
    await usage.total('Calls').getByText('5', { exact: true }).waitFor()
    t.equal(await usage.total('Failed').textContent(), '1')
    t.equal(await usage.total('Out of the cache').textContent(), '25%')
    // They are loaded on demand.
    await usage.charts.locator('canvas').nth(3).waitFor()
    t.equal(await usage.charts.locator('canvas').count(), 4)
    t.match(await usage.row('Calls by tool', /get_quote/).textContent(), /get_quote41/)
    t.match(await usage.row('Calls by session', /first start/).textContent(), 'sample')
    await page.getByText('FMS_SYMBOL_NOT_FOUND').waitFor()
    await page.getByText('The charts as a table').click()
    await page.getByRole('region', { name: 'Figures over time' }).getByRole('row').nth(1).waitFor()

    await usage.filter('Tool', 'get_bars')
    await usage.total('Calls').getByText('1', { exact: true }).waitFor()
    await usage.filter('Session', 'first start')
    await usage.range('Last hour').click()
    await page.getByRole('img', { name: 'Calls over the last hour' }).waitFor()
    t.match(page.url(), /range=hour.*session_id=.*tool=get_bars|range=hour.*tool=get_bars.*session_id=/)
    await page.reload()
    await usage.total('Calls').getByText('1', { exact: true }).waitFor()
    await usage.filter('Tool', 'get_filings')
    await page.getByText('No calls in the last hour').waitFor()

    await go('/usage')
    await usage.row('Calls by session', /first start/).getByRole('link', { name: 'first start' }).click()
    await shell(page).heading('first start').waitFor()
  })

  world.test('figures that cannot be had are said to be so, and come once the server is back', async t => {
    const { page, allow } = await world.enter(t, '/usage')
    allow(/ERR_|Failed to load resource/)
    const usage = usagePage(page)
    await usage.total('Calls').waitFor()
    await world.stop()
    await usage.range('Last week').click()
    await page.getByRole('alert').getByText('This could not be read').waitFor()
    await button(page, 'Try again').waitFor()
    await world.start()
    await page.getByRole('img', { name: 'Calls over the last week' }).waitFor()
  })

  world.test('nothing moves while the figures and their charts come, and they fit into a narrower window', async t => {
    const { page, context } = await world.enter(t)
    await page.close()
    const late = await context.newPage()
    await late.addInitScript({ content: WATCH_SHIFTS })
    await late.route('**/api/**', async route => {
      await new Promise(resolve => setTimeout(resolve, LATE_MS))
      await route.continue()
    })
    await late.goto(`${world.server().url}/ui/usage`)
    const usage = usagePage(late)
    await usage.charts.locator('canvas').nth(3).waitFor()
    const shift = await late.evaluate('window.shift') as number
    t.ok(shift < 0.02, `layout shift ${shift}`)

    await late.setViewportSize({ width: 390, height: 844 })
    await late.waitForFunction('document.querySelector(".plot canvas").getBoundingClientRect().right < 390')
    t.ok(await late.evaluate('document.documentElement.scrollWidth <= 390'), 'nothing sticks out')
  })
}

const WATCH_SHIFTS = `window.shift = 0
new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value })
  .observe({ type: 'layout-shift', buffered: true })`
