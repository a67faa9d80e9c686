// The resources and prompts of the conformance server.
import { acceptedContent, inputRequired, ResourceTemplate } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { ask, image, PNG, resource, text } from './conformance-parts.mjs'

/** Adds every resource that a scenario reads. */
export function addResources(server) {
  const add = (name, mimeType, body) => {
    const uri = `test://${name}`
    const about = { description: `The resource ${name}`, mimeType }
    server.registerResource(name, uri, about, () => ({ contents: [{ uri, mimeType, ...body }] }))
  }
  add('static-text', 'text/plain', { text: 'This is the content of the static text resource.' })
  add('static-binary', 'image/png', { blob: PNG })
  add('watched-resource', 'text/plain', { text: 'watched' })
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'A resource for each id', mimeType: 'application/json' },
    ({ href: uri }, { id }) => {
      const value = { id, templateTest: true, data: `Data for ID: ${id}` }
      return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(value) }] }
    },
  )
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

/** Adds every prompt that a scenario gets. */
export function addPrompts(server) {
  const messages = (...contents) => ({
    messages: contents.map((each) => ({ role: 'user', content: each })),
  })
  const add = (name, run, argsSchema) =>
    server.registerPrompt(name, { description: `The prompt ${name}`, argsSchema }, run)
  add('test_simple_prompt', () => messages(text('This is a simple prompt for testing.')))
  add(
    'test_prompt_with_arguments',
    ({ arg1, arg2 }) => messages(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
    z.object({
      arg1: z.string().describe('First test argument'),
      arg2: z.string().describe('Second test argument'),
    }),
  )
  add(
    'test_prompt_with_embedded_resource',
    ({ resourceUri }) =>
      messages(
        resource(resourceUri, 'text/plain', 'Embedded resource content for testing.'),
        text('Please process the embedded resource above.'),
      ),
    z.object({ resourceUri: z.string().describe('URI of the resource') }),
  )
  add('test_prompt_with_image', () => messages(image, text('Please analyze the image above.')))
  add('test_input_required_result_prompt', (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_context')?.context
    return typeof given === 'string'
      ? messages(text(`Use this context: ${given}`))
      : inputRequired({ inputRequests: { user_context: ask('Which context?', 'context') } })
  })
}
