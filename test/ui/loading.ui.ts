import { gzipSync } from 'node:zlib'
import t from 'tap'
import { figure } from '../figures.ts'
import { shell } from './pages.ts'
import { startUi } from './world.ts'

/** Held so long, an answer comes well after the page is painted. */
const LATE_MS = 600

const world = await startUi(t)

if (world) {
  world.test('the first load is small, and nothing moves while it comes', async t => {
    const { page, context } = await world.enter(t)
    await shell(page).heading('Overview').waitFor()
    const cold = await context.newPage()
    const scripts: number[] = []
    cold.on('response', async response => {
      if (response.url().endsWith('.js')) scripts.push(gzipSync(await response.body()).length)
    })
    await cold.addInitScript({ content: WATCH_SHIFTS })
    await cold.route('**/api/**', async route => {
      await new Promise(resolve => setTimeout(resolve, LATE_MS))
      await route.continue()
    })
    await cold.goto(`${world.server().url}/ui/`)
    await cold.getByText('Get started').waitFor()
    const shift = await cold.evaluate('window.shift') as number
    figure(t, { what: 'first load: script, gzip', value: scripts.reduce((a, b) => a + b, 0) / 1024, unit: 'KB', most: 200 })
    figure(t, { what: 'first load: layout shift × 1000', value: shift * 1000, most: 20 })
    const { domInteractive, painted } = await cold.evaluate(TIMES) as { domInteractive: number, painted: number }
    figure(t, { what: 'first load: document interactive', value: domInteractive, unit: 'ms', most: 1000, timed: true })
    figure(t, { what: 'first load: first paint', value: painted, unit: 'ms', most: 1000, timed: true })
  })

  world.test('the API\'s own pages keep the policy', async t => {
    const { page } = await world.open(t)
    await page.goto(`${world.server().url}/docs`)
    await page.getByRole('button', { name: /List the connections/ }).or(page.getByText('List the connections')).first().click()
    await page.getByText('Responses').first().waitFor()
  })
}

const WATCH_SHIFTS = `window.shift = 0
new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value })
  .observe({ type: 'layout-shift', buffered: true })`

const TIMES = `({
  domInteractive: performance.getEntriesByType('navigation')[0].domInteractive,
  painted: performance.getEntriesByName('first-contentful-paint')[0].startTime
})`
