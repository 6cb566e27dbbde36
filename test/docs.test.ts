import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { run } from '../cli/program.ts'
import { ConfigSchema } from '../config.ts'
import { TOOLS } from '../tools/index.ts'
import { build } from './helper.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

t.test('docs/configuration.md has a row for every variable, with its default and description, and no other', async t => {
  const rows = [...read('docs/configuration.md').matchAll(/^\| `([A-Z_]+)` \| (?:`(.+)`)? \| (.*) \|$/gm)]
  const stated = rows.map(([, name, value = '', meaning]) => [name, value, meaning].join(' | '))
  const expected = Object.entries(ConfigSchema.properties).map(([name, schema]) => {
    const { default: value = '', description } = schema as { default?: unknown, description?: string }
    return [name, String(value), description].join(' | ')
  })
  t.same(stated.sort(), expected.sort())
})

t.test('docs/tools.md describes every tool with every argument, and the README names it', async t => {
  const sections = new Map(read('docs/tools.md').split(/^## /m).map(section => [section.split('\n')[0], section]))
  for (const { name, input } of TOOLS) {
    t.match(read('README.md'), `| \`${name}\` |`)
    for (const argument of Object.keys(input.properties)) {
      t.match(sections.get(name), `\`${argument}\``, `${argument} of ${name}`)
    }
  }
})

t.test('docs/rest-api.md names every route, and no other', async t => {
  const { app } = await build(t)
  const { paths = {} } = app.swagger()
  const methodsOf = (item: object) => Object.keys(item).map(method => method.toUpperCase())
  const routes = Object.entries(paths).flatMap(([path, item = {}]) => methodsOf(item).map(method => `${method} ${path}`))
  const page = read('docs/rest-api.md')
  const named = new Set([...page.matchAll(/`([A-Z]+ \/[^`\s]*)`/g)].map(([, route]) => route))
  const isTool = (route: string) => TOOLS.some(({ name }) => route === `GET /api/tools/${name}`)
  for (const { name } of TOOLS) t.match(page, `\`/api/tools/${name}\``)
  t.same(routes.filter(route => !isTool(route) && !named.has(route)), [], 'not described')
  t.same([...named].filter(route => route !== 'GET /api/tools/{name}' && !routes.includes(String(route))), [], 'gone')
})

t.test('docs/cli.md names every command, and no other', async t => {
  const stated = [...read('docs/cli.md').matchAll(/^\| `fmcp ([a-z-]+ [a-z-]+)/gm)].map(([, command]) => command)
  const commands: string[] = []
  for (const group of await commandsOf()) {
    commands.push(...(await commandsOf(group)).map(command => `${group} ${command}`))
  }
  t.same(stated.sort(), commands.sort())
})

t.test('every link between the pages leads to a page and a heading', async t => {
  const pages = ['README.md', 'AGENTS.md', ...readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(join(root, entry.name, 'README.md')) && entry.name !== 'node_modules')
    .map(({ name }) => `${name}/README.md`),
  ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
  for (const page of pages) {
    for (const [, file, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = file ? join(dirname(page), file) : page
      t.ok(existsSync(join(root, target)), `${page} → ${target}`)
      if (anchor) t.ok(anchorsOf(target).includes(anchor), `${page} → ${target}#${anchor}`)
    }
  }
})

function anchorsOf (page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

/** The commands that a help page lists, without `help` itself. */
async function commandsOf (...group: string[]): Promise<string[]> {
  const stdout = new PassThrough()
  await run([...group, '--help'], {}, { stdin: new PassThrough(), stdout, stderr: new PassThrough() })
  const help = await text(stdout.end())
  const [, list = ''] = help.split('Commands:\n')
  return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name).filter(name => name !== 'help')
}
