/**
 * Every page in both themes on a phone and on a desktop, into `screenshots/`, to be looked at; and into
 * `screenshots/docs/` what docs/images/ has, as it is seen without scrolling.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { furnish, type Place } from '../ui/places.ts'
import { startUi, type Window } from '../ui/world.ts'

const folder = join(import.meta.dirname, '../../screenshots')
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }
const THEMES = ['light', 'dark'] as const

/** Each with the heading that it begins with; empty: the page's own beginning. */
const DOCUMENTED: Record<string, string> = { 'connection-keys': '', 'session-used': '', 'playground-chart': 'Answer', system: '' }

mkdirSync(join(folder, 'docs'), { recursive: true })
const world = await startUi(t)

async function shoot ({ page }: Window, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of THEMES) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.evaluate('scrollTo(0, 0)')
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true })
    }
  }
}

/** One screen full, light. */
async function document ({ page }: Window, name: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  const heading = DOCUMENTED[name]
  if (heading) {
    const box = await page.getByRole('heading', { name: heading, exact: true }).boundingBox()
    await page.evaluate(`scrollBy(0, ${(box?.y ?? 0) - 32})`)
  } else await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: join(folder, 'docs', `${name}.png`) })
}

if (world) {
  world.test('screenshots', async t => {
    const stranger = await world.open(t)
    await stranger.go('/')
    await stranger.page.getByRole('button', { name: 'Set up' }).waitFor()
    await shoot(stranger, 'setup')

    const window = await world.enter(t)
    window.allow(/404/)
    const { page, go } = window
    await page.getByText('Get started').waitFor()
    await shoot(window, 'first-run')
    for (const place of await furnish(world, window)) {
      await visit(window, place)
      await shoot(window, place.name)
      if (place.name in DOCUMENTED) await document(window, place.name)
    }
    await page.setViewportSize(SIZES.phone)
    await go('/')
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.screenshot({ path: join(folder, 'menu-phone.png') })

    await stranger.page.reload()
    await stranger.page.getByRole('button', { name: 'Log in' }).waitFor()
    await shoot(stranger, 'login')
    t.pass('made')
  })
}

async function visit (window: Window, { path, prepare }: Place): Promise<void> {
  await window.page.setViewportSize(SIZES.desktop)
  await window.go(path)
  await window.page.getByRole('heading', { level: 1 }).waitFor()
  await window.page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await prepare?.(window)
}
