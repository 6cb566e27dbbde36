import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = [process.env['CHROMIUM'] ?? '', ...PLACES].find(file => file && existsSync(file))

/**
 * A real browser, for which the host is this machine. Undefined where there is none, which is said, and with CI=true is
 * a failure.
 */
export async function startBrowser (t: Test, host: string): Promise<Browser | undefined> {
  if (!executablePath) {
    const message = `no Chromium: not one of ${PLACES.join(', ')} exists; CHROMIUM names another`
    if (process.env['CI'] === 'true') t.fail(message)
    else t.comment(`SKIPPED: ${message}`)
    return undefined
  }
  const browser = await chromium.launch({
    executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${host} 127.0.0.1`]
  })
  t.teardown(() => browser.close())
  return browser
}
