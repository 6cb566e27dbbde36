import { TOTP } from 'otpauth'
import t, { type Test } from 'tap'
import { button, card, codeText, loginPage, proofDialog, scanQrCode, shell } from './pages.ts'
import { PASSWORD, startUi, type Window } from './world.ts'

const ADA = 'ada counts by engine'

const world = await startUi(t)

if (world) {
  const { open } = world

  async function enterAs (t: Test, name: string, password: string, path: string): Promise<Window> {
    const window = await open(t)
    await window.go(path)
    await loginPage(window.page).logIn(name, password)
    await window.page.locator('#main').waitFor()
    return window
  }

  world.test('an admin is added, seen where it is logged in, and put out there', async t => {
    const { page, allow } = await world.enter(t, '/system/admins')
    allow(/403.*\/api\/admins|409.*\/api\/admins/)
    await world.agePasswords()
    const add = async (name: string) => {
      await button(page, 'Add an admin').click()
      await page.getByLabel('Name', { exact: true }).fill(name)
      await page.getByRole('dialog').getByLabel('Password', { exact: true }).fill(ADA)
      await button(page, 'Add').click()
    }
    await add('ada')
    await proofDialog(page).prove(PASSWORD)
    await page.getByText('ada was added.').waitFor()
    await add('ADA')
    await page.getByRole('dialog').getByRole('alert').waitFor()
    await button(page, 'Cancel').click()

    const ada = await enterAs(t, 'ada', ADA, '/sessions')
    ada.allow(/401/)
    await page.reload()
    const logins = page.getByRole('list', { name: 'Logins of ada' })
    await page.getByRole('list', { name: 'Logins of admin' }).getByText('this one').waitFor()
    await logins.getByText(/^Chrome on Linux, from/).waitFor()
    await logins.getByRole('button', { name: /^End the login/ }).click()
    await page.getByText('The login was ended.').waitFor()
    await shell(ada.page).to('Connections')
    await ada.page.getByText('You were logged out').waitFor()
  })

  world.test('a password is changed by its owner, which ends the other logins', async t => {
    const [first, second] = [await enterAs(t, 'ada', ADA, '/system/account'), await enterAs(t, 'ada', ADA, '/')]
    const { page, allow } = first
    allow(/403.*\/api\/admin\/password|401.*\/api\/admin\/password/)
    second.allow(/401/)
    const change = async (present: string, wanted: string) => {
      await page.getByLabel('Present password').fill(present)
      await page.getByLabel('New password').fill(wanted)
      await button(page, 'Change it').click()
    }
    await change('a wrong password', `${ADA} too`)
    await card(page, 'Password').getByRole('alert').waitFor()
    t.ok(await card(page, 'Your logins').isVisible(), 'a wrong one logs nobody out')
    await change(ADA, `${ADA} too`)
    await page.getByText('The password was changed.').waitFor()
    t.equal(await page.getByLabel('New password').inputValue(), '')
    await second.page.getByText('You were logged out').waitFor()
    await loginPage(second.page).logIn('ada', `${ADA} too`)
    await shell(second.page).heading('Overview').waitFor()
  })

  world.test('the second factor is turned on by its QR code, and a recovery code lets in', async t => {
    const { page, allow } = await enterAs(t, 'ada', `${ADA} too`, '/system/account')
    allow(/403.*\/api\/admin\/totp|401.*\/api\/admin\/totp/)
    await world.agePasswords()
    await button(page, 'Turn it on…').click()
    await proofDialog(page).prove(`${ADA} too`)
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    const uri = new URL(await scanQrCode(page, 'The second factor as a QR code'))
    const secret = uri.searchParams.get('secret') ?? ''
    t.equal(uri.protocol, 'otpauth:')
    t.equal(await codeText(page, 'the secret'), secret)
    const enter = async (code: string) => {
      await page.getByLabel('Code that the app shows').fill(code)
      await button(page, 'Turn it on').click()
    }
    await enter('000000')
    await card(page, 'Second factor').getByRole('alert').waitFor()
    await enter(new TOTP({ secret }).generate())
    await page.getByText('10 of 10 recovery codes are left.').waitFor()
    const [code = ''] = (await codeText(page, 'the recovery codes')).split('\n')

    const later = await open(t)
    later.allow(/401.*\/api\/login/)
    await later.go('/system/account')
    const login = loginPage(later.page)
    await login.logIn('ada', `${ADA} too`)
    await login.code.fill(code)
    await button(later.page, 'Log in').click()
    await later.page.getByText('9 of 10 recovery codes are left.').waitFor()
    t.equal(await later.page.getByLabel('the recovery codes').count(), 0)
    await button(later.page, 'Turn it off…').click()
    await later.page.getByRole('dialog').getByRole('button', { name: 'Turn it off' }).click()
    await later.page.getByText('The second factor is off.').waitFor()
  })

  world.test('an admin is removed, its name typed, and is out at once', async t => {
    const ada = await enterAs(t, 'ada', `${ADA} too`, '/')
    ada.allow(/401/)
    const { page } = await world.enter(t, '/system/admins')
    await button(page, 'Remove ada').click()
    const dialog = page.getByRole('dialog', { name: 'Remove ada?' })
    t.ok(await dialog.getByRole('button', { name: 'Remove' }).isDisabled())
    await dialog.getByRole('textbox').fill('ada')
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('ada was removed.').waitFor()
    await card(page, /^ada/).waitFor({ state: 'detached' })
    t.equal(await page.getByRole('button', { name: /^Remove / }).count(), 0, 'the last one stays')
    // Its page asks by itself, and hears it.
    await ada.page.getByText('You were logged out').waitFor()
  })
}
