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

t.test('docs/configuration.md is what npm run docs makes of the schema', async t => {
  const { renderConfiguration } = await import(join(root, 'scripts', 'configuration-page.js')) as {
    renderConfiguration: (page: string, properties: object) => string
  }
  const page = read('docs/configuration.md')
  t.equal(renderConfiguration(page, ConfigSchema.properties), page, 'run npm run docs')
  const { HOST: _, ...others } = ConfigSchema.properties
  t.throws(() => renderConfiguration(page, others), { message: /HOST is no variable/ })
  const more = { ...ConfigSchema.properties, NEW_ONE: { description: 'New' } }
  t.throws(() => renderConfiguration(page, more), { message: /under no comment stands NEW_ONE/ })
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
  const stated = [...read('docs/cli.md').matchAll(/^\| `fmcp ([a-z-]+(?: [a-z-]+)?)/gm)].map(([, command]) => command)
  const commands: string[] = []
  for (const group of await commandsOf()) {
    const members = await commandsOf(group)
    commands.push(...members.length ? members.map(command => `${group} ${command}`) : [group])
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
