import { parser } from '@prometheus-io/lezer-promql'

/** One selector of a query: what it reads, by which labels, and by which values of them. */
export interface Selector {
  metric: string
  matchers: { label: string, values: string[] }[]
}

export interface Query {
  selectors: Selector[]
  /** Labels that it groups or joins by. */
  groupings: string[]
}

/**
 * What a query of Prometheus names.
 * @throws where Prometheus could not read it
 */
export function readQuery (text: string): Query {
  const query: Query = { selectors: [], groupings: [] }
  const textOf = ({ from, to }: { from: number, to: number }) => text.slice(from, to)
  parser.parse(text).iterate({
    enter ({ type, name, node }) {
      if (type.isError) throw new Error(`no query: ${text}`)
      if (name === 'VectorSelector') query.selectors.push({ metric: textOf(node.getChild('Identifier') ?? node), matchers: [] })
      if (name === 'GroupingLabels') query.groupings.push(...node.getChildren('LabelName').map(textOf))
      if (name === 'UnquotedLabelMatcher') {
        const [label, value] = [node.getChild('LabelName'), node.getChild('StringLiteral')]
        if (!label || !value) throw new Error(`no matcher: ${textOf(node)}`)
        query.selectors.at(-1)?.matchers.push({ label: textOf(label), values: textOf(value).slice(1, -1).split('|') })
      }
    }
  })
  return query
}
