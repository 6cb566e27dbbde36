import {
  CLIENT_CAPABILITIES_META_KEY, ProtocolError, ProtocolErrorCode, ResourceNotFoundError, inputRequired,
  type CallToolResult, type ClientCapabilities, type ContentBlock, type InputRequiredResult, type Server,
  type ServerContext, type Tool
} from '@modelcontextprotocol/server'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { McpCatalogue } from '../../plugins/mcp/catalogue.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='

type Answer = CallToolResult | InputRequiredResult
type Fixture = (context: ServerContext) => Answer | Promise<Answer>

const toResult = (...content: ContentBlock[]): CallToolResult => ({ content })
const toText = (text: string): ContentBlock => ({ type: 'text', text })
const image: ContentBlock = { type: 'image', data: PNG, mimeType: 'image/png' }
const embedded = (uri: string, text: string, mimeType = 'text/plain'): ContentBlock =>
  ({ type: 'resource', resource: { uri, mimeType, text } })

/** A state that comes back from the client only as it was sent. */
const sign = (state: string) => `${state}.${createHmac('sha256', 'fixture').update(state).digest('hex')}`
function readState (context: ServerContext): string {
  const signed = context.mcpReq.requestState<string>()
  const state = signed?.slice(0, signed.lastIndexOf('.')) ?? ''
  const [given, wanted] = [Buffer.from(signed ?? ''), Buffer.from(sign(state))]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The requestState is not one of this server')
  }
  return state
}

const ask = (message: string, name: string) => inputRequired.elicit({
  message, requestedSchema: { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] }
})
const confirm = inputRequired.elicit({
  message: 'Please confirm', requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
})
const askModel = (text: string, maxTokens: number) => inputRequired.createMessage({
  messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens
})

/** Asks for what is missing of `inputRequests`, and completes when all of it has come. */
function asking (inputRequests: NonNullable<InputRequiredResult['inputRequests']>, state?: string): Fixture {
  return context => {
    const answers = context.mcpReq.inputResponses ?? {}
    if (state !== undefined && context.mcpReq.requestState() !== undefined) readState(context)
    if (Object.keys(inputRequests).every(key => isAnswer(answers[key]))) {
      return toResult(toText(`state-ok ${JSON.stringify(answers)}`))
    }
    return inputRequired({ inputRequests, ...(state !== undefined && { requestState: sign(state) }) })
  }
}

const isAnswer = (answer: unknown) => typeof answer === 'object' && answer !== null &&
  ('roots' in answer || 'model' in answer || ('action' in answer && answer.action === 'accept' && 'content' in answer))

async function log (context: ServerContext): Promise<CallToolResult> {
  for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    await context.mcpReq.log('info', line)
    await sleep(50)
  }
  return toResult(toText('Tool with logging executed successfully'))
}

async function progress (context: ServerContext): Promise<CallToolResult> {
  const { progressToken } = context.mcpReq._meta ?? {}
  for (const done of [0, 50, 100]) {
    if (progressToken === undefined) break
    await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: done, total: 100 } })
    await sleep(50)
  }
  return toResult(toText(String(progressToken)))
}

function multiRound (context: ServerContext) {
  if (context.mcpReq.requestState() === undefined) {
    return inputRequired({ inputRequests: { step1: ask('Step 1: What is your name?', 'name') }, requestState: sign('1') })
  }
  return readState(context) === '1'
    ? inputRequired({ inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') }, requestState: sign('2') })
    : toResult(toText('done'))
}

/** Asks only for what the client can give. */
function byCapability (context: ServerContext) {
  const envelope: { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } = context.mcpReq.envelope ?? {}
  const { sampling, elicitation } = envelope[CLIENT_CAPABILITIES_META_KEY] ?? {}
  return inputRequired({
    inputRequests: {
      ...(sampling && { capital_question: askModel('What is the capital of France?', 100) }),
      ...(elicitation && { user_name: ask('What is your name?', 'name') })
    },
    requestState: sign('capabilities')
  })
}

const TOOLS: Record<string, Fixture> = {
  test_simple_text: () => toResult(toText('This is a simple text response for testing.')),
  test_image_content: () => toResult(image),
  test_audio_content: () => toResult({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  test_embedded_resource: () => toResult(embedded('test://embedded-resource', 'This is an embedded resource content.')),
  test_multiple_content_types: () => toResult(toText('Multiple content types test:'), image,
    embedded('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json')),
  test_tool_with_logging: log,
  test_logging_tool: log,
  test_tool_with_progress: progress,
  test_error_handling: () =>
    ({ ...toResult(toText('This tool intentionally returns an error for testing')), isError: true }),
  test_missing_capability: asking({ capital_question: askModel('What is the capital of France?', 100) }),
  test_streaming_elicitation: asking({ user_name: ask('What is your name?', 'name') }),
  test_input_required_result_elicitation: asking({ user_name: ask('What is your name?', 'name') }),
  test_input_required_result_sampling: asking({ capital_question: askModel('What is the capital of France?', 100) }),
  test_input_required_result_list_roots: asking({ client_roots: inputRequired.listRoots() }),
  test_input_required_result_request_state: asking({ confirm }, 'confirm'),
  test_input_required_result_tampered_state: asking({ confirm }, 'tampered'),
  test_input_required_result_multiple_inputs: asking({
    user_name: ask('What is your name?', 'name'),
    greeting: askModel('Generate a greeting', 50),
    client_roots: inputRequired.listRoots()
  }, 'multiple'),
  test_input_required_result_multi_round: multiRound,
  test_input_required_result_capabilities: byCapability
}

const JSON_SCHEMA_TOOL: Tool = {
  name: 'json_schema_2020_12_tool',
  description: 'A tool whose schema uses what JSON Schema 2020-12 has.',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } }
      }
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' }
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false
  }
}

/** The tools, resources and prompts that the conformance suite asks for. */
export const fixtureCatalogue: McpCatalogue = {
  notifies: true,
  capabilities: { logging: {}, completions: {}, resources: { subscribe: true }, prompts: {} },
  listTools: () => [
    ...Object.keys(TOOLS).map(name => ({ name, description: `Fixture ${name}`, inputSchema: { type: 'object' as const } })),
    JSON_SCHEMA_TOOL
  ],
  async callTool (name, args, { context }) {
    const fixture = TOOLS[name]
    if (!fixture) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name}`)
    if (!context) throw new Error('A fixture needs the context of its call')
    return fixture(context)
  },
  install (server) {
    installResources(server)
    installPrompts(server)
    const completion = { values: ['paris', 'park'], total: 2, hasMore: false }
    server.setRequestHandler('completion/complete', () => ({ completion }))
  }
}

const RESOURCES = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: PNG },
  'test://watched-resource': { mimeType: 'text/plain', text: 'Watched resource content' },
  'test://example-resource': { mimeType: 'text/plain', text: 'Example resource content' }
}

function installResources (server: Server): void {
  server.setRequestHandler('resources/list', () => ({
    resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri.slice(7), mimeType }))
  }))
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [{
      uriTemplate: 'test://template/{id}/data', name: 'template', description: 'Fixture', mimeType: 'application/json'
    }]
  }))
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    const id = uri.match(/^test:\/\/template\/([^/]+)\/data$/)?.[1]
    if (id) {
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
      return { contents: [{ uri, mimeType: 'application/json', text }] }
    }
    const found = Object.entries(RESOURCES).find(([known]) => known === uri)
    if (!found) throw new ResourceNotFoundError(uri)
    return { contents: [{ uri, ...found[1] }] }
  })
  server.setRequestHandler('resources/subscribe', () => ({}))
  server.setRequestHandler('resources/unsubscribe', () => ({}))
}

const PROMPTS: Record<string, (args: Record<string, string>) => ContentBlock[]> = {
  test_simple_prompt: () => [toText('This is a simple prompt for testing.')],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [toText(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  test_prompt_with_embedded_resource: ({ resourceUri = 'test://example-resource' }) => [
    embedded(resourceUri, 'Embedded resource content for testing.'), toText('Please process the embedded resource above.')
  ],
  test_prompt_with_image: () => [image, toText('Please analyze the image above.')],
  test_input_required_result_prompt: () => [toText('Thank you')]
}
const PROMPT_ARGUMENTS: Record<string, string[]> = {
  test_prompt_with_arguments: ['arg1', 'arg2'], test_prompt_with_embedded_resource: ['resourceUri']
}

function installPrompts (server: Server): void {
  server.setRequestHandler('prompts/list', () => ({
    prompts: Object.keys(PROMPTS).map(name => ({
      name,
      description: `Fixture ${name}`,
      arguments: (PROMPT_ARGUMENTS[name] ?? []).map(argument => ({ name: argument, required: true }))
    }))
  }))
  server.setRequestHandler('prompts/get', ({ params: { name, arguments: args = {} } }, context) => {
    const prompt = PROMPTS[name]
    if (!prompt) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt: ${name}`)
    const answer = context.mcpReq.inputResponses?.['user_context']
    if (name === 'test_input_required_result_prompt' && !isAnswer(answer)) {
      return inputRequired({ inputRequests: { user_context: ask('What context should the prompt use?', 'context') } })
    }
    return { messages: prompt(args).map(content => ({ role: 'user' as const, content })) }
  })
}
