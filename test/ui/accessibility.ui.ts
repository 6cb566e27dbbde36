import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { furnish } from './places.ts'
import { startUi } from './world.ts'

const THEMES = ['light', 'dark'] as const
/** What is no colour is the same in either theme. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block']

const world = await startUi(t)

/** axe's complaints, each with the element that it is about; by those rules alone, if any. */
async function assertAccessible (t: Test, page: Page, name: string, rules?: string[]): Promise<void> {
  const axe = new AxeBuilder({ page })
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze()
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary: why }) => ({ id, html, why })))
  t.same(found, [], name)
}

const settled = (page: Page) => page.locator('.skeleton').first().waitFor({ state: 'detached' })

if (world) {
  for (const colorScheme of THEMES) {
    world.test(`axe finds nothing on the way in, ${colorScheme}`, async t => {
      const { page, go } = await world.open(t, { colorScheme })
      await go('/')
      await page.getByRole('button', { name: /^(Set up|Log in)$/ }).waitFor()
      await assertAccessible(t, page, 'entrance')
    })
  }

  world.test('axe finds nothing on any page in either theme', async t => {
    const window = await world.enter(t)
    const { page, go } = window
    window.allow(/ERR_|404/)
    for (const place of await furnish(world, window)) {
      await go(place.path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await settled(page)
      await place.prepare?.(window)
      await assertAccessible(t, page, `${place.name}, light`)
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
      await assertAccessible(t, page, `${place.name}, dark`, OF_COLOURS)
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
      await page.setViewportSize({ width: 390, height: 844 })
      t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${place.name} fits a phone`)
      await page.setViewportSize({ width: 1280, height: 720 })
    }
  })

  world.test('a page is reached and used by the keyboard alone', async t => {
    const { page, go } = await world.enter(t)
    await go('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('Tab')
    t.equal(await page.locator(':focus').textContent(), 'Skip to the content')
    await page.keyboard.press('Enter')
    t.equal(await page.locator(':focus').getAttribute('id'), 'main')
    await page.getByRole('link', { name: 'Connections' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'New connection' }).focus()
    await page.keyboard.press('Enter')
    t.equal(await page.locator(':focus').getAttribute('name'), 'name', 'the dialog has the focus in its field')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    t.equal(await page.locator(':focus').textContent(), ' New connection')
  })
}
