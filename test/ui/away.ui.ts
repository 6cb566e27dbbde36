import t from 'tap'
import { shell } from './pages.ts'
import { startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('a server that is gone is said, and its return mends all by itself', async t => {
    const { page, allow } = await world.enter(t)
    allow(/ERR_CONNECTION|Failed to load resource/)
    await page.getByText('Get started').waitFor()
    await world.stop()
    await page.getByText('The server does not answer; trying again.').waitFor()
    t.ok(await page.getByText('Get started').isVisible(), 'what was there stays')
    await shell(page).to('Sessions')
    t.ok(await page.getByRole('status', { name: 'The page is being loaded' }).isVisible())
    await world.start()
    await page.getByText('The server does not answer; trying again.').waitFor({ state: 'detached' })
    await page.getByRole('table', { name: 'Sessions' }).waitFor()
  })
}
