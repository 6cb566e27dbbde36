// The tables of docs/configuration.md: each stands under a comment that names its variables, and is made from their
// schema.
const MARKER = /^<!-- variables: ([A-Z0-9_ ]+) -->\n(?:\|.*\n)*/gm

/**
 * @param page its text, whose tables may be of yesterday
 * @param properties those of ConfigSchema
 * @returns the page with the tables of today
 * @throws where a variable stands in no table, in two, or is none
 */
export function renderConfiguration (page, properties) {
  const left = new Set(Object.keys(properties))
  const rendered = page.replace(MARKER, (_, names) => {
    const rows = names.split(' ').map(name => {
      if (!left.delete(name)) throw new Error(`docs/configuration.md: ${name} is no variable, or stands there twice`)
      const { default: value = '', description } = properties[name]
      return `| \`${name}\` | ${value === '' ? '' : `\`${value}\``} | ${description} |\n`
    })
    return `<!-- variables: ${names} -->\n| variable | default | meaning |\n| --- | --- | --- |\n${rows.join('')}`
  })
  if (left.size) throw new Error(`docs/configuration.md: under no comment stands ${[...left].join(', ')}`)
  return rendered
}
