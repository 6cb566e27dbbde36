import t from 'tap'
import { shell } from './pages.ts'
import { startUi } from './world.ts'

const world = await startUi(t)

if (world) {
  world.test('a server that is gone is said, and its return mends all by itself', async t => {
    const { page, allow } = await world.enter(t)
    allow(/ERR_CONNECTION|Failed to load resource/)
    await shell(page).heading('Overview').waitFor()
    await world.stop()
    await page.getByText('The server does not answer; trying again.').waitFor()
    await shell(page).to('Sessions')
    await page.getByText('This could not be read').waitFor()
    await world.start()
    await page.getByText('The server does not answer; trying again.').waitFor({ state: 'detached' })
    await page.getByRole('table', { name: 'Sessions' }).waitFor()
  })
}
