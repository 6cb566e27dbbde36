import { TOTP } from 'otpauth'
import t from 'tap'
import { button, loginPage, shell } from './pages.ts'
import { PASSWORD, startUi, type Window } from './world.ts'

const world = await startUi(t)

const isGone = (window: Window) => loginPage(window.page).heading.waitFor()

if (world) {
  world.test('a wrong password is said, and the right one lets in', async t => {
    await world.enter(t)
    const { page, go, allow } = await world.open(t)
    allow(/401.*\/api\/login/)
    await go('/connections')
    const login = loginPage(page)
    await login.logIn('admin', 'wrong horse battery')
    await page.getByRole('alert').waitFor()
    t.ok(await login.heading.isVisible())
    await login.logIn('admin', PASSWORD)
    await shell(page).heading('Connections').waitFor()
  })

  world.test('an ended login shows the login, says why, and leads back to the page', async t => {
    const window = await world.enter(t, '/connections')
    const { page, context, allow } = window
    allow(/401/)
    await shell(page).heading('Connections').waitFor()
    await context.clearCookies()
    await shell(page).to('Sessions')
    await isGone(window)
    await page.getByText('You were logged out').waitFor()
    t.equal(await page.getByRole('table').count(), 0)
    await loginPage(page).logIn('admin', PASSWORD)
    await shell(page).heading('Sessions').waitFor()
  })

  world.test('after a logout the way back shows nothing from before, here or in another tab', async t => {
    const window = await world.enter(t, '/connections')
    const { page, context, allow } = window
    allow(/401/)
    await page.getByRole('table', { name: 'Connections' }).waitFor()
    const other = await context.newPage()
    await other.goto(`${world.server().url}/ui/sessions`)
    await shell(other).heading('Sessions').waitFor()

    await shell(page).to('Sessions')
    await shell(page).logOut()
    await isGone(window)
    await page.getByText('You have logged out.').waitFor()
    await loginPage(other).heading.waitFor()
    t.equal(await other.getByRole('table').count(), 0)
    await page.goBack()
    await page.waitForURL(/\/ui\/connections$/)
    await isGone(window)
    t.notMatch(await page.content(), 'made-up prices')
    await page.reload()
    await isGone(window)
  })

  world.test('what was sent with a cookie that another took the place of is sent once more', async t => {
    const { page, allow, go } = await world.enter(t)
    allow(/401.*\/api\/connections/)
    let refused = 0
    await page.route('**/api/connections', async route => {
      if (refused++) return route.continue()
      const body = JSON.stringify({ status: 401, code: 'FMS_UNAUTHENTICATED', title: 'Unauthenticated', detail: 'The login ended.' })
      await route.fulfill({ status: 401, contentType: 'application/problem+json', body })
    })
    await go('/connections')
    await page.getByRole('table', { name: 'Connections' }).getByRole('link', { name: 'sample' }).waitFor()
    t.ok(refused >= 2)
  })

  world.test('the second factor is asked for once the password was right', async t => {
    const { page, context, allow, go } = await world.enter(t)
    // The new cookie comes behind the page's back: what it asks for at that moment is asked for once more.
    allow(/401/)
    const base = world.server().url
    const post = async (path: string, data: unknown = undefined) => {
      const headers = { origin: base }
      const response = await context.request.post(base + path, { headers, ...data !== undefined && { data } })
      return await response.json() as Record<string, string>
    }
    const { secret = '' } = await post('/api/admin/totp')
    const code = () => new TOTP({ secret }).generate()
    await post('/api/admin/totp/confirm', { code: code() })
    t.teardown(async () => {
      await context.request.delete(`${base}/api/admin/totp`, { headers: { origin: base } })
    })

    const later = await world.open(t)
    later.allow(/401.*\/api\/login/)
    await later.go('/')
    const login = loginPage(later.page)
    await login.logIn('admin', PASSWORD)
    await login.code.fill('000000')
    await button(later.page, 'Log in').click()
    await later.page.getByRole('alert').waitFor()
    // A code that was taken is taken no more: the one of the next half minute is.
    await login.code.fill(new TOTP({ secret }).generate({ timestamp: Date.now() + 30_000 }))
    await button(later.page, 'Log in').click()
    await shell(later.page).heading('Overview').waitFor()
    await go('/')
    await shell(page).heading('Overview').waitFor()
  })

  world.test('too many wrong passwords: the wait is shown', async t => {
    const { page, go, allow } = await world.open(t)
    allow(/(401|429).*\/api\/login/)
    await go('/')
    for (let i = 0; i < 11; i++) {
      await Promise.all([page.waitForResponse(/\/api\/login/), loginPage(page).logIn('nobody', `wrong password ${i}`)])
    }
    await page.getByText(/The next try is taken in \d+ (minutes|seconds)/).waitFor()
  })
}
