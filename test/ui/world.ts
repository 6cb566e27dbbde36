/** The Config UI as a person meets it: a real browser, the real server, providers that are fakes. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import { createDatabase, query } from '../database.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { MASTER_KEY } from '../helper.ts'
import { startBrowser } from '../security/browser.ts'
import { buildOnce, startServer, type Env, type Server } from '../server/process.ts'
import { startUpstream, type Upstream } from '../upstream/index.ts'
import { loginPage, setupPage } from './pages.ts'

export const PASSWORD = 'correct horse battery'
/** Another site's host: this machine, as the browser sees it. */
export const ELSEWHERE = 'elsewhere.test'
/** The machine may be slow, and may have other work. */
const PATIENCE_MS = 60_000

export interface World {
  /** A test, at whose end the consoles of its windows hold no error but what they were allowed. */
  test: (name: string, run: (t: Test) => Promise<void>) => unknown
  server: () => Server
  upstream: Upstream
  databaseUrl: string
  browser: Browser
  /** What the start printed. */
  setupCode: () => string
  /** A window of its own, watched by its test. */
  open: (t: Test, options?: BrowserContextOptions) => Promise<Window>
  /** The same, with the admin logged in; the first one is made. */
  enter: (t: Test, path?: string, options?: BrowserContextOptions) => Promise<Window>
  /** As if every login had given its password so long ago that it must again. */
  agePasswords: () => Promise<unknown>
  /** Stops the server, and starts it again where it was. */
  stop: () => Promise<void>
  start: () => Promise<void>
}

export interface Window {
  page: Page
  context: BrowserContext
  /** Goes to a page of the UI. */
  go: (path: string) => Promise<void>
  /** An error of the console that the test causes. */
  allow: (pattern: RegExp) => void
}

/** Undefined where there is no browser. */
export async function startUi (t: Test, env: Env = {}): Promise<World | undefined> {
  const browser = await startBrowser(t, ELSEWHERE)
  if (!browser) return undefined
  buildOnce()
  const upstream = await startUpstream(t)
  const dataDir = await createFolder(t)
  const databaseUrl = await createDatabase(t)
  const settings = {
    ...upstream.env, DATABASE_URL: databaseUrl, MASTER_KEY, MAX_EVENT_LOOP_DELAY_MS: '0', ...env
  }
  let server = await startServer(t, dataDir, settings)
  const { port } = new URL(server.url)

  let checks: (() => unknown)[] = []
  let pages: Page[] = []

  async function open (t: Test, options: BrowserContextOptions = {}): Promise<Window> {
    const context = await browser!.newContext({ reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(PATIENCE_MS)
    await context.addInitScript({ content: SAY_VIOLATIONS })
    const page = await context.newPage()
    const errors: string[] = []
    // The machine's network: a container that starts beside the test is enough.
    const allowed: RegExp[] = [/ERR_NETWORK_CHANGED/]
    const watch = (page: Page) => {
      page.on('console', message => {
        if (message.type() === 'error') errors.push(`${message.text()} ${message.location().url}`)
      })
      page.on('pageerror', error => errors.push(String(error.stack)))
    }
    watch(page)
    pages.push(page)
    context.on('page', other => { if (other !== page) watch(other) })
    t.teardown(() => context.close())
    checks.push(() => t.same(errors.filter(error => !allowed.some(pattern => pattern.test(error))), [], 'the console has no error'))
    return {
      page,
      context,
      allow: pattern => { allowed.push(pattern) },
      go: async path => { await page.goto(`${server.url}/ui${path}`) }
    }
  }

  const setupCode = () => /Setup code .*: (\S+)/.exec(server.text())?.[1] ?? ''
  return {
    test: (name, run) => t.test(name, async t => {
      checks = []
      pages = []
      await run(t).catch(async (error: unknown) => {
        for (const page of pages) t.comment(`${page.url()} shows: ${await textOf(page)}`)
        throw error
      })
      for (const check of checks) check()
    }),
    server: () => server,
    upstream,
    databaseUrl,
    browser,
    setupCode,
    open,
    async enter (t, path = '/', options) {
      const window = await open(t, options)
      await window.go(path)
      const { page } = window
      const [setup, login] = [setupPage(page), loginPage(page)]
      await setup.submit.or(login.submit).waitFor()
      if (await setup.submit.isVisible()) await setup.setUp(setupCode(), 'admin', PASSWORD)
      else await login.logIn('admin', PASSWORD)
      await page.locator('#main').waitFor()
      return window
    },
    agePasswords: () => query(databaseUrl, "UPDATE admin_sessions SET proved_at = now() - interval '11 minutes'"),
    async stop () { await server.stop() },
    async start () { server = await startServer(t, dataDir, { ...settings, PORT: port }) }
  }
}

const textOf = (page: Page) => page.locator('body').innerText({ timeout: 1000 }).catch(String)

const SAY_VIOLATIONS = `document.addEventListener('securitypolicyviolation', event =>
  console.error('policy violated: ' + event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample))`
