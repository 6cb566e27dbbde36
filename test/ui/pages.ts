/** What a person does on each page, in its own words. */
import type { Page } from 'playwright-core'

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })

/** What stands to be copied. */
export const codeText = async (page: Page, of: string): Promise<string> =>
  String(await page.getByLabel(of, { exact: true }).textContent())

export const setupPage = (page: Page) => ({
  submit: button(page, 'Set up'),
  async setUp (code: string, name: string, password: string) {
    await page.getByLabel('Setup code').fill(code)
    await page.getByLabel('Your name').fill(name)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await button(page, 'Set up').click()
  }
})

export const loginPage = (page: Page) => ({
  submit: button(page, 'Log in'),
  heading: page.getByRole('heading', { name: 'Log in' }),
  code: page.getByLabel('Code', { exact: true }),
  async logIn (name: string, password: string) {
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await button(page, 'Log in').click()
  }
})

export const shell = (page: Page) => ({
  to: (title: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: title }).click(),
  logOut: () => button(page, 'Log out').click(),
  heading: (name: string) => page.getByRole('heading', { name, level: 1 })
})

export const connectionsPage = (page: Page) => ({
  async create (name: string) {
    await button(page, 'New connection').click()
    await page.getByLabel('Name', { exact: true }).fill(name)
    await button(page, 'Create').click()
    await shell(page).heading(name).waitFor()
  }
})

/** The card of one provider. */
export const keyCard = (page: Page, title: string) => {
  const card = page.getByRole('region', { name: title })
  return {
    card,
    field: (label: string) => card.getByLabel(label),
    async save (keys: Record<string, string>) {
      for (const [label, key] of Object.entries(keys)) await card.getByLabel(label).fill(key)
      await card.getByRole('button', { name: 'Save & test' }).click()
    },
    button: (name: string) => card.getByRole('button', { name, exact: true }),
    badge: (text: string) => card.locator('.badge', { hasText: text })
  }
}

/** The dialog that asks for the password again. */
export const proofDialog = (page: Page) => ({
  dialog: page.getByRole('dialog', { name: 'Give your password again' }),
  async prove (password: string) {
    const dialog = page.getByRole('dialog', { name: 'Give your password again' })
    await dialog.getByLabel('Password').fill(password)
    await dialog.getByRole('button', { name: 'Go on' }).click()
  }
})

export const newSessionPage = (page: Page) => ({
  async create (name: string) {
    await page.getByLabel('Name', { exact: true }).fill(name)
    await button(page, 'Create').click()
    await shell(page).heading('Connect a client').waitFor()
    return codeText(page, 'the token')
  }
})
