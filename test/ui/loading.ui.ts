import type { BrowserContext, Page } from 'playwright-core'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { figure } from '../figures.ts'
import { shell } from './pages.ts'
import { startUi } from './world.ts'

/** Held so long, an answer comes well after the page is painted. */
const LATE_MS = 600
/** Of several loads the best counts: what else the machine does is not the page's. */
const LOADS = 5

const world = await startUi(t)

/** A window without anything kept of earlier loads, watched by Chromium itself. */
async function load (context: BrowserContext, path: string, prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Network.setCacheDisabled', { cacheDisabled: true })
  await page.addInitScript({ content: WATCH })
  await prepare?.(page)
  await page.goto(`${world!.server().url}/ui${path}`)
  return page
}

if (world) {
  world.test('the first load is small, and soon of use', async t => {
    const { page, context } = await world.enter(t)
    await shell(page).heading('Overview').waitFor()
    const times: { painted: number, usable: number }[] = []
    const scripts = new Map<string, number>()
    for (let i = 0; i < LOADS; i++) {
      const cold = await load(context, '/', async page => {
        page.on('response', async response => {
          if (response.url().endsWith('.js')) scripts.set(response.url(), gzipSync(await response.body()).length)
        })
      })
      await cold.getByText('Get started').waitFor()
      times.push(await cold.evaluate(TIMES) as typeof times[number])
      await cold.close()
    }
    const least = (name: 'painted' | 'usable') => Math.min(...times.map(time => time[name]))
    const bytes = [...scripts.values()].reduce((a, b) => a + b, 0)
    t.ok(bytes > 0)
    figure(t, { what: 'first load: script, gzip', value: bytes / 1024, unit: 'KB', most: 200 })
    figure(t, { what: 'first load: first paint', value: least('painted'), unit: 'ms', most: 1000, timed: true })
    figure(t, { what: 'first load: interactive', value: least('usable'), unit: 'ms', most: 1000, timed: true })
  })

  world.test('nothing moves while a page comes, however late the answers', async t => {
    const { page, context, go } = await world.enter(t)
    await go('/connections')
    await page.getByRole('link', { name: 'sample' }).waitFor()
    const href = await page.getByRole('link', { name: 'sample' }).getAttribute('href')
    const connection = String(href).replace('/ui', '')
    const paths = ['/', '/connections', connection, '/sessions', '/sessions/new', '/playground', '/usage', '/audit',
      '/system', '/system/keys', '/system/admins', '/system/tokens', '/system/account']
    const shifts: [string, number][] = []
    for (const path of paths) {
      const cold = await load(context, path, page => page.route('**/api/**', async route => {
        await new Promise(resolve => setTimeout(resolve, LATE_MS))
        await route.continue().catch(() => {})
      }))
      await cold.locator('#main h1').waitFor()
      await cold.locator('.skeleton').first().waitFor({ state: 'detached' })
      // What came last has been laid out and painted.
      await cold.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))')
      shifts.push([path, await cold.evaluate('window.shift') as number])
      await cold.close()
    }
    for (const [path, shift] of shifts) t.comment(`${path}: ${shift.toFixed(4)}`)
    const [where, most] = shifts.toSorted(([, a], [, b]) => b - a)[0]!
    figure(t, { what: `layout shift × 1000, the most of ${paths.length} pages (${where.replace(connection, '/connections/…')})`, value: most * 1000, most: 20 })
  })

  world.test('the API\'s own pages keep the policy', async t => {
    const { page } = await world.open(t)
    await page.goto(`${world.server().url}/docs`)
    await page.getByRole('button', { name: /List the connections/ }).or(page.getByText('List the connections')).first().click()
    await page.getByText('Responses').first().waitFor()
  })
}

/** Layout shifts, tasks that block for more than 50 ms, and when there is something to be used. */
const WATCH = `window.shift = 0
window.blockedUntil = 0
new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value })
  .observe({ type: 'layout-shift', buffered: true })
new PerformanceObserver(list => { for (const { startTime, duration } of list.getEntries()) window.blockedUntil = startTime + duration })
  .observe({ type: 'longtask', buffered: true })
new MutationObserver((_, observer) => {
  if (!document.querySelector('.checklist a')) return
  observer.disconnect()
  requestAnimationFrame(() => requestAnimationFrame(() => { window.shownAt = performance.now() }))
}).observe(document, { subtree: true, childList: true })`

const TIMES = `new Promise(resolve => {
  const end = () => window.shownAt === undefined
    ? setTimeout(end, 10)
    : resolve({
      usable: Math.max(window.shownAt, window.blockedUntil),
      painted: performance.getEntriesByName('first-contentful-paint')[0].startTime
    })
  end()
})`
