/** Everything that `fmcp` can print, and what it writes. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { Test } from 'tap'
import { run } from '../../cli/program.ts'
import { createFolder } from '../fixtures/embedded.ts'
import type { Known } from './canary-drive.ts'
import { KEYS, PASSWORD, type CanaryWorld } from './canary-world.ts'
import type { Place } from './markers.ts'

const TOKEN = /fmcp_(?:st|ot|ad)_[0-9a-f]{32}_([0-9A-Za-z]{49})/

/** Each command with arguments that mean something, without any, and with ones that mean nothing. */
export async function runCommands (t: Test, world: CanaryWorld, known: Known): Promise<Place[]> {
  const places: Place[] = []
  const folder = await createFolder(t)
  const out = join(folder, 'out')
  await mkdir(out)
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))

  async function fmcp (args: string[], input = ''): Promise<Place> {
    const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
    io.stdin.end(input)
    const output = Promise.all([text(io.stdout), text(io.stderr)])
    const code = await run(args, { ...world.env, DATA_DIR: folder }, io)
    io.stdout.end()
    io.stderr.end()
    const place = { name: `fmcp ${args.join(' ')} (${code})`, text: (await output).join('\n') }
    places.push(place)
    return place
  }

  const { connectionId: connection, sessionId: session } = known
  const reading = [
    ['connection', 'list'], ['credential', 'list', connection], ['credential', 'test', connection, 'finnhub'], ['session', 'list', connection],
    ['admin-token', 'list'], ['cache', 'stats'], ['admin', 'list'], ['keys', 'status'], ['keys', 'rewrap'], ['keys', 'rotate', connection],
    ['audit', 'verify'], ['audit', 'list'], ['audit', 'export'], ['backup', join(out, 'backup')]
  ]
  for (const args of reading) {
    await fmcp(args)
    await fmcp([...args, '--json'])
  }

  // Each shows what it makes, once.
  const showing = [['session', 'create', connection], ['session', 'rotate', session], ['session', 'one-time', session], ['admin-token', 'create']]
  for (const args of showing) {
    const place = await fmcp(args)
    const [, value] = TOKEN.exec(place.text) ?? []
    t.ok(value, `fmcp ${args.slice(0, 2).join(' ')} shows a token`)
    if (value) world.secrets.push({ name: `the token of ${place.name}`, value, shownIn: place })
  }

  for (const input of inputs) {
    for (const provider of ['finnhub', 'alpaca']) await fmcp(['credential', 'set', connection, provider], input)
    await fmcp(['credential', 'set', 'nobody', 'finnhub'], input)
    await fmcp(['admin', 'create', `canary-${places.length}`], input)
    await fmcp(['admin', 'reset-password', 'nobody'], input)
  }

  const nowhere = join(folder, 'nowhere', 'at-all')
  const senseless = [[], ['x'], ['x', 'y'], [connection, nowhere], [nowhere, '--json'], ['x', 'y', 'z', '--nonsense']]
  for (const group of commandsIn(await fmcp(['--help']))) {
    for (const name of commandsIn(await fmcp([group, '--help']))) {
      // One key pair is enough.
      for (const args of group === 'tls' ? senseless.slice(0, 1) : senseless) await fmcp([group, name, ...args], `${PASSWORD}\n${PASSWORD}\n`)
    }
  }
  for (const name of await readdir(out)) places.push({ name: `the file ${name}`, text: await readWhole(join(out, name)) })
  return places
}

const inputs = [
  KEYS.finnhub.api_key, `${KEYS.finnhub.api_key} x`, JSON.stringify(KEYS.alpaca), JSON.stringify({ api_key: [KEYS.finnhub.api_key] }),
  `{"api_key":"${KEYS.fmp.api_key}`, `${PASSWORD}\n`, `${PASSWORD}\nother\n`
]

/** The commands that a help page lists, without `help` itself. */
function commandsIn ({ text }: Place): string[] {
  const [, list = ''] = text.split('Commands:\n')
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name).filter(name => name !== 'help')
}

async function readWhole (path: string): Promise<string> {
  const bytes = await readFile(path)
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  return bytes.toString('latin1') + (isPacked ? gunzipSync(bytes).toString('latin1') : '')
}
