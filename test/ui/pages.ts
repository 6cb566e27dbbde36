/** What a person does on each page, in its own words. */
import type { Page } from 'playwright-core'
import decodeQr from 'qr/decode.js'

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

export const playgroundPage = (page: Page) => ({
  call: button(page, 'Call'),
  field: (name: string) => page.locator(`form [name="${name}"]`),
  tab: (name: string) => page.getByRole('tab', { name, exact: true }),
  /** What the receipt says of a matter: "Source". */
  receipt: (about: string) => page.getByRole('region', { name: 'Receipt' }).locator('div', { has: page.getByText(about, { exact: true }) }).getByRole('definition'),
  async choose (tool: string) {
    await page.getByLabel('Find a tool').fill(tool)
    await page.getByRole('navigation', { name: 'Tools' }).getByRole('link', { name: tool }).click()
    await page.getByRole('heading', { name: tool, level: 2 }).waitFor()
  },
  connect: (name: string) => page.getByLabel('Connection', { exact: true }).selectOption({ label: name }),
  async show (chart: string) {
    await page.getByRole('tab', { name: chart }).click()
    await page.getByRole('img', { name: /^Chart of/ }).locator('canvas').first().waitFor()
  }
})

export const usagePage = (page: Page) => ({
  range: (name: string) => button(page, name),
  filter: (label: string, option: string) => page.getByLabel(label, { exact: true }).selectOption({ label: option }),
  total: (title: string) => page.locator('.totals > div', { has: page.getByText(title, { exact: true }) }).locator('strong'),
  charts: page.getByRole('img', { name: /over the last/ }),
  row: (table: string, name: string | RegExp) => page.getByRole('table', { name: table }).getByRole('row', { name })
})

/** The rows of a table, each as its text. */
export const rowsOf = (page: Page, caption: string) =>
  page.getByRole('table', { name: caption }).getByRole('row').filter({ has: page.getByRole('cell') })

export const auditPage = (page: Page) => ({
  rows: rowsOf(page, 'Events'),
  async filter (fields: Record<string, string>) {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value)
    await button(page, 'Filter').click()
  }
})

/** A card by its heading. */
export const card = (page: Page, title: string | RegExp) => page.getByRole('region', { name: title })

/** What a scanner reads off the screen. */
export async function scanQrCode (page: Page, label: string): Promise<string> {
  const code = page.getByRole('img', { name: label })
  const size = Number((await code.getAttribute('viewBox'))?.split(' ')[2])
  const path = await code.locator('path').getAttribute('d') ?? ''
  const scale = 4
  const width = size * scale
  const data = new Uint8Array(width * width * 3).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let row = 0; row < scale; row++) {
      const from = ((Number(y) * scale + row) * width + Number(x) * scale) * 3
      data.fill(0, from, from + scale * 3)
    }
  }
  return decodeQr({ width, height: width, data })
}
