// An MCP server with everything that the scored scenarios of the conformance suite call by name. The
// suite prints what each of them expects: `conformance server --scenario <name>`.
import { setTimeout as wait } from 'node:timers/promises'
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  McpServer,
} from '@modelcontextprotocol/server'
import * as z from 'zod'
import { addPrompts, addResources } from './conformance-documents.mjs'
import {
  addTool,
  ask,
  content,
  form,
  image,
  resource,
  sample,
  text,
  WAV,
} from './conformance-parts.mjs'

// Requests of revision 2026-07-28 come to a server of their own each; what goes through the client in
// between is sealed with one key of the process.
const states = createRequestStateCodec({ key: crypto.getRandomValues(new Uint8Array(32)) })

const titled = (prefix, titles) =>
  titles.map((title, index) => ({ const: `${prefix}${index + 1}`, title }))

/** Tools that answer the same to everybody. */
const CONSTANT_TOOLS = {
  test_simple_text: content(text('This is a simple text response for testing.')),
  test_image_content: content(image),
  test_audio_content: content({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  test_embedded_resource: content(
    resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ),
  test_multiple_content_types: content(
    text('Multiple content types test:'),
    image,
    resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ),
  test_streaming_elicitation: content(text('nothing was asked')),
}

/** Tools that ask the client for something while they run: revisions before 2026-07-28. */
function addAskingTools(server) {
  const elicit = (name, describe, message, properties, required) => {
    const run = async (args, ctx) => {
      const { action, content: given } = await ctx.mcpReq.send({
        method: 'elicitation/create',
        params: { message: args.message ?? message, requestedSchema: form(properties, required) },
      })
      return content(text(`${describe}: action=${action}, content=${JSON.stringify(given ?? {})}`))
    }
    addTool(server, name, run, z.object({ message: z.optional(z.string()) }))
  }
  elicit('test_elicitation', 'User response', '', {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  })
  const completed = 'Elicitation completed'
  elicit(
    'test_elicitation_sep1034_defaults',
    completed,
    'Review these values',
    {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
    [],
  )
  const options = ['option1', 'option2', 'option3']
  elicit(
    'test_elicitation_sep1330_enums',
    completed,
    'Choose',
    {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: {
        type: 'string',
        oneOf: titled('value', ['First Option', 'Second Option', 'Third Option']),
      },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: {
        type: 'array',
        items: { anyOf: titled('value', ['First Choice', 'Second Choice', 'Third Choice']) },
      },
    },
    [],
  )
  const sampling = async ({ prompt }, ctx) => {
    const answer = await ctx.mcpReq.send({
      method: 'sampling/createMessage',
      params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 },
    })
    return content(text(`LLM response: ${answer.content?.text ?? ''}`))
  }
  addTool(server, 'test_sampling', sampling, z.object({ prompt: z.string() }))
}

/** Tools that tell how far they are. */
function addReportingTools(server) {
  addTool(server, 'test_tool_with_logging', async (ctx) => {
    for (const data of ['started', 'processing data', 'completed']) {
      const words = data === 'processing data' ? `Tool ${data}` : `Tool execution ${data}`
      await ctx.mcpReq.notify({
        method: 'notifications/message',
        params: { level: 'info', data: words },
      })
      await wait(50)
    }
    return content(text('logged'))
  })
  addTool(server, 'test_tool_with_progress', async (ctx) => {
    const { progressToken } = ctx.mcpReq._meta ?? {}
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 },
      })
      await wait(50)
    }
    return content(text(String(progressToken)))
  })
  addTool(server, 'test_logging_tool', async (ctx) => {
    await ctx.mcpReq.log('info', 'only for clients that asked for a level')
    return content(text('logged'))
  })
  addTool(server, 'test_error_handling', () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
}

/** Tools that answer with what they need first: revision 2026-07-28. */
function addInputRequiredTools(server) {
  const add = (name, run) => addTool(server, name, run)
  const given = (ctx, key) => ctx.mcpReq.inputResponses?.[key]
  const accepted = (ctx, key) => acceptedContent(ctx.mcpReq.inputResponses, key)
  const name = () => ask('What is your name?', 'name')

  add('test_input_required_result_elicitation', (ctx) => {
    const answer = accepted(ctx, 'user_name')?.name
    return typeof answer === 'string'
      ? content(text(`Hello, ${answer}!`))
      : inputRequired({ inputRequests: { user_name: name() } })
  })
  add('test_input_required_result_sampling', (ctx) => {
    const answer = given(ctx, 'capital_question')
    return answer === undefined
      ? inputRequired({
          inputRequests: { capital_question: sample('What is the capital of France?') },
        })
      : content(text(`Sampling response: ${answer.content?.text ?? JSON.stringify(answer)}`))
  })
  add('test_missing_capability', (ctx) =>
    given(ctx, 'answer') === undefined
      ? inputRequired({ inputRequests: { answer: sample('Say a word') } })
      : content(text('done')),
  )
  add('test_input_required_result_list_roots', (ctx) => {
    const roots = given(ctx, 'client_roots')?.roots
    return Array.isArray(roots)
      ? content(text(`${roots.length} roots: ${roots.map(({ uri }) => uri).join(', ')}`))
      : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  })
  for (const kind of ['request_state', 'tampered_state']) {
    add(`test_input_required_result_${kind}`, async (ctx) => {
      const isDone = ctx.mcpReq.requestState() !== undefined && accepted(ctx, 'confirm')
      if (isDone) return content(text('state-ok'))
      return inputRequired({
        inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
        requestState: await states.mint({ kind }),
      })
    })
  }
  add('test_input_required_result_multiple_inputs', async (ctx) => {
    const answer = accepted(ctx, 'user_name')?.name
    const greeting = given(ctx, 'greeting')?.content?.text
    const roots = given(ctx, 'client_roots')?.roots
    if (answer !== undefined && greeting !== undefined && roots !== undefined) {
      return content(text(`${greeting} ${answer}, ${roots.length} roots`))
    }
    return inputRequired({
      inputRequests: {
        user_name: name(),
        greeting: sample('Write a greeting'),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint({ kind: 'multiple' }),
    })
  })
  add('test_input_required_result_multi_round', async (ctx) => {
    const { round = 0, answer } = ctx.mcpReq.requestState() ?? {}
    if (round === 2) {
      return content(text(`${answer} likes ${accepted(ctx, 'step2')?.color ?? 'nothing'}`))
    }
    const inputRequests =
      round === 0 ? { step1: name() } : { step2: ask('What is your favorite color?', 'color') }
    const kept = { round: round + 1, answer: accepted(ctx, 'step1')?.name }
    return inputRequired({ inputRequests, requestState: await states.mint(kept) })
  })
  add('test_input_required_result_capabilities', (ctx) => {
    if (ctx.mcpReq.inputResponses !== undefined) return content(text('done'))
    const declared = ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}
    const inputRequests = {
      ...(declared.elicitation === undefined ? {} : { user_name: name() }),
      ...(declared.sampling === undefined ? {} : { greeting: sample('Write a greeting') }),
      ...(declared.roots === undefined ? {} : { client_roots: inputRequired.listRoots() }),
    }
    return Object.keys(inputRequests).length === 0
      ? content(text('nothing to ask'))
      : inputRequired({ inputRequests })
  })
}

/** Creates the server; `changed` tells subscribers of a list of `tools` or `prompts`. */
export function createConformanceMcpServer(changed) {
  const server = new McpServer(
    { name: 'conformance', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      },
      requestState: { verify: states.verify },
    },
  )
  for (const [name, answer] of Object.entries(CONSTANT_TOOLS)) {
    addTool(server, name, () => answer)
  }
  for (const list of ['tools', 'prompts']) {
    addTool(server, `test_trigger_${list.slice(0, -1)}_change`, () => {
      changed(list)
      return content(text('told'))
    })
  }
  addAskingTools(server)
  addReportingTools(server)
  addInputRequiredTools(server)
  addResources(server)
  addPrompts(server)
  server.server.setRequestHandler('logging/setLevel', () => ({}))
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: [], total: 0, hasMore: false },
  }))
  return server
}
