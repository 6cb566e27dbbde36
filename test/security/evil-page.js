/* global document, navigator, Image, EventSource */
// Runs in a browser, in a page of another site: everything that a page may try to get at the server.

const PATHS = [
  '/', '/mcp', '/messages?sessionId=x', '/api/tools', '/api/whoami', '/api/connections', '/api/setup', '/openapi.json', '/docs', '/metrics'
]
const PATIENCE_MS = 5_000

/** Answers how much was sent, and what of the answers could be read but for a refusal. */
globalThis.attack = async ({ bases, token, ping }) => {
  const readable = []
  const authorization = `Bearer ${token}`
  const ways = [
    {},
    { mode: 'no-cors' },
    { credentials: 'include' },
    { headers: { authorization } },
    { headers: { authorization, accept: 'text/event-stream' } },
    { method: 'HEAD' },
    { method: 'DELETE', headers: { authorization } },
    { method: 'POST', body: ping },
    { method: 'POST', body: ping, mode: 'no-cors', credentials: 'include' },
    { method: 'POST', body: ping, headers: { authorization, 'content-type': 'application/json', accept: 'application/json, text/event-stream' } }
  ]

  async function ask (url, way) {
    const response = await fetch(url, { ...way, signal: AbortSignal.timeout(4 * PATIENCE_MS) })
    const text = await response.text()
    if (response.type === 'opaque' || response.status === 403) return
    readable.push(`${way.method ?? 'GET'} ${url}: ${response.status} ${text.slice(0, 80)}`)
  }

  /** Whether the event comes before an error does. */
  const open = (what, target, name) => new Promise(resolve => {
    setTimeout(resolve, PATIENCE_MS)
    target.addEventListener('error', resolve)
    target.addEventListener(name, () => {
      readable.push(what)
      resolve()
    })
  })

  function embed (base) {
    const frame = document.createElement('iframe')
    frame.src = `${base}/docs`
    document.body.append(frame)
    return new Promise(resolve => {
      setTimeout(resolve, PATIENCE_MS)
      frame.addEventListener('load', () => {
        try {
          if (/swagger/i.test(frame.contentDocument.body.innerHTML)) readable.push(`${base}: a frame`)
        } catch { /* Another site's document is closed to this one. */ }
        resolve()
      })
    })
  }

  function attempt (base) {
    const image = new Image()
    image.src = `${base}/docs/static/favicon-32x32.png`
    navigator.sendBeacon(`${base}/mcp`, ping)
    return [
      ...PATHS.flatMap(path => ways.map(way => ask(base + path, way))),
      open(`${base}: an event source`, new EventSource(`${base}/mcp`, { withCredentials: true }), 'open'),
      open(`${base}: a web socket`, new WebSocket(`${base.replace('http', 'ws')}/mcp`), 'open'),
      open(`${base}: an image`, image, 'load'),
      embed(base)
    ]
  }

  const attempts = bases.flatMap(attempt)
  await Promise.allSettled(attempts)
  return { readable, sent: attempts.length }
}
