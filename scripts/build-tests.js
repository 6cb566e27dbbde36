// Bundles the tests, many files to a process: to start one costs as much as most files do, and what is warm is faster.
import { build } from 'esbuild'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { options, packages, root } from './bundle.js'

export const BUILT = 'dist.test'
const GROUPS = 12
/** Measure their process, end it or fill it. */
const ALONE = /^test\/(server\/|db\/embedded|providers\/(http|traps)|plugins\/(bus|redis|mcp-conformance))/

/**
 * @param groups which files run in which process, by its name; default all of `npm test`
 * @param first what runs before all of them
 * @returns the built test files, and what runs before and after them
 */
export async function buildTests (groups = allTests(), first = 'test/before.ts') {
  rmSync(join(root, BUILT), { recursive: true, force: true })
  const names = [...groups.keys()]
  await build({
    ...options,
    entryPoints: {
      ...Object.fromEntries(names.map(name => [name, `group:${name}`])), before: first, after: 'test/after.ts'
    },
    outdir: BUILT,
    plugins: [grouped(groups), packages, places]
  })
  return { files: names.map(name => join(BUILT, `${name}.js`)), before: join(BUILT, 'before.js'), after: join(BUILT, 'after.js') }
}

function allTests () {
  const files = readdirSync(join(root, 'test'), { recursive: true }).filter(name => name.endsWith('.test.ts'))
  return toGroups(files.map(name => `test/${name}`).sort())
}

/** Of about the same size; a file that wants to be alone is a group. */
function toGroups (files) {
  const groups = new Map(files.filter(file => ALONE.test(file))
    .map(file => [file.slice('test/'.length, -'.test.ts'.length).replaceAll('/', '-'), [file]]))
  const shared = Array.from({ length: GROUPS }, () => ({ bytes: 0, files: [] }))
  for (const file of files.filter(file => !ALONE.test(file))) {
    const least = shared.reduce((least, group) => group.bytes < least.bytes ? group : least)
    least.files.push(file)
    least.bytes += statSync(join(root, file)).size
  }
  for (const [index, { files }] of shared.entries()) groups.set(`group-${index + 1}`, files)
  return groups
}

const grouped = groups => ({
  name: 'groups',
  setup ({ onResolve, onLoad }) {
    onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }))
    onLoad({ filter: /.*/, namespace: 'group' }, ({ path }) => ({
      contents: loading(groups.get(path)),
      resolveDir: root
    }))
  }
})

/**
 * No test starts before all files are loaded: after a teardown of its own the root ends as soon as no test waits, also
 * where a file still awaits what it shares.
 */
const loading = files => [
  "import t from 'tap'",
  'let loaded',
  't.before(() => new Promise(resolve => { loaded = resolve }))',
  ...files.map(file => `await import(${JSON.stringify(join(root, file))})`),
  'loaded()',
  ''
].join('\n')

/** A module goes on finding the files beside its source. */
const places = {
  name: 'places',
  setup ({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => path.includes('node_modules')
      ? undefined
      : {
          loader: 'ts',
          contents: readFileSync(path, 'utf8')
            .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
            .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        })
  }
}
