/** What acts in an admin's name from elsewhere, or from before a login or after it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { loginPage, shell } from './pages.ts'
import { ELSEWHERE, PASSWORD, startUi } from './world.ts'

const world = await startUi(t)

/** An empty page of another origin. @returns its port */
async function serveSite (t: Test): Promise<number> {
  const page = '<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">'
  const site = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page))
  t.teardown(() => new Promise<void>(resolve => {
    site.close(() => resolve())
    site.closeAllConnections()
  }))
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  return (site.address() as AddressInfo).port
}

/** Every way in which a page sends something elsewhere. @returns what it could read, and how many requests it sent */
const attack = (page: Page, base: string): Promise<{ read: string[], sent: number }> => page.evaluate(`(async () => {
  const read = []
  let sent = 0
  const changes = [
    ['POST', '/api/connections', { name: 'forged' }], ['POST', '/api/admins', { name: 'forged', password: 'forged forged forged' }],
    ['POST', '/api/admin-tokens', { name: 'forged' }], ['POST', '/api/logout', {}], ['POST', '/api/keys/rewrap', {}],
    ['DELETE', '/api/sessions', {}], ['DELETE', '/api/cache', {}], ['GET', '/api/admin'], ['GET', '/api/connections'], ['GET', '/ui/']
  ]
  for (const [method, path, body] of changes) {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
      for (const mode of ['cors', 'no-cors']) {
        sent++
        const request = {
          method, mode, credentials: 'include', headers: { 'content-type': type }, ...body && { body: JSON.stringify(body) }
        }
        await fetch('${base}' + path, request).then(response => response.text()).then(text => { if (text) read.push(path) }, () => {})
      }
    }
  }
  const send = (element, values) => new Promise(resolve => {
    sent++
    Object.assign(element, values)
    element.onload = element.onerror = resolve
    document.body.append(element)
  })
  await send(document.createElement('img'), { src: '${base}/api/audit/export' })
  await send(document.createElement('script'), { src: '${base}/api/connections' })
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const frame = document.createElement('iframe')
    frame.name = 'frame-' + sent
    const form = Object.assign(document.createElement('form'), {
      method: 'post', action: '${base}/api/connections', enctype, target: frame.name
    })
    // What text/plain makes of it is JSON.
    form.append(Object.assign(document.createElement('input'), { name: '{"name":"forged","x":"', value: '"}' }))
    document.body.append(frame, form)
    const isSent = new Promise(resolve => { frame.onload = resolve })
    form.submit()
    sent++
    await isSent
  }
  return { read, sent }
})()`)

const read = async <T>(context: BrowserContext, path: string): Promise<T> =>
  await (await context.request.get(world!.server().url + path)).json() as T

if (world) {
  world.test('a page of another origin changes nothing and reads nothing', async t => {
    const { page, context, allow } = await world.enter(t)
    allow(/./)
    const port = await serveSite(t)
    const base = world.server().url
    const [before] = (await read<{ items: { seq: number }[] }>(context, '/api/audit?limit=1')).items
    const stranger = await context.newPage()
    // Another site, and another port of the same site, whose pages' requests carry the cookie.
    for (const host of [ELSEWHERE, new URL(base).hostname]) {
      await stranger.goto(`http://${host}:${port}/`)
      const { read, sent } = await attack(stranger, base)
      t.same(read, [], `${host} reads nothing`)
      t.ok(sent > 50)
    }
    await page.reload()
    await shell(page).heading('Overview').waitFor()
    const { items } = await read<{ items: { action: string, outcome: string }[] }>(context, `/api/audit?after=${before?.seq}`)
    t.same(items.filter(({ action, outcome }) => outcome === 'ok' && action !== 'admin.login'), [], 'nothing was changed')
    t.notMatch(JSON.stringify(await read(context, '/api/connections')), 'forged')
  })

  world.test('no page of another origin shows it in a frame', async t => {
    const { context, allow } = await world.enter(t)
    allow(/./)
    const port = await serveSite(t)
    const stranger = await context.newPage()
    for (const host of [ELSEWHERE, new URL(world.server().url).hostname]) {
      await stranger.goto(`http://${host}:${port}/`)
      for (const path of ['/ui/', '/ui/system/keys', '/docs']) {
        await stranger.evaluate(`document.body.innerHTML = '<iframe src="${world.server().url}${path}"></iframe>'`)
        const frame = await (await stranger.waitForSelector('iframe')).contentFrame()
        // The browser's own page of an error comes in its place, by a navigation that fails.
        await frame?.waitForURL(/^chrome-error:/).catch(() => frame.waitForURL(/^chrome-error:/))
        t.equal(await frame?.locator('#root, #swagger-ui').count(), 0, `${host} frames no ${path}`)
      }
    }
  })

  world.test('a cookie from before a login is good for nothing after it', async t => {
    const base = world.server().url
    const holder = await world.enter(t)
    holder.allow(/401/)
    const [known] = await holder.context.cookies()
    const made = { ...known!, value: 'A'.repeat(43) }
    for (const [what, planted] of [['somebody else’s login', known!], ['a made-up one', made]] as const) {
      const { page, context, go } = await world.open(t)
      await context.addCookies([planted])
      await go('/sessions')
      await loginPage(page).logIn('admin', PASSWORD)
      await shell(page).heading('Sessions').waitFor()
      const [own] = await context.cookies()
      t.not(own?.value, planted.value, `${what} is replaced`)
      t.match(own, { httpOnly: true, sameSite: 'Strict' })
      const headers = { cookie: `${planted.name}=${planted.value}` }
      t.equal((await fetch(`${base}/api/admin`, { headers })).status, 401, `${what} is refused`)
    }
  })

  world.test('a cookie that was copied is refused once its owner has logged out', async t => {
    const { page, context } = await world.enter(t)
    const [copied] = await context.cookies()
    const headers = { cookie: `${copied?.name}=${copied?.value}` }
    const ask = async () => (await fetch(`${world.server().url}/api/admin`, { headers })).status
    t.equal(await ask(), 200)
    await shell(page).logOut()
    await page.getByText('You have logged out.').waitFor()
    t.equal(await ask(), 401)
  })
}
