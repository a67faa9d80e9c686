// What the tools, prompts and resources of the conformance server are made of.
import { inputRequired } from '@modelcontextprotocol/server'

/** One black pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=='
/** A sound of no samples. */
export const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='

export const text = (value) => ({ type: 'text', text: value })
export const content = (...parts) => ({ content: parts })
export const image = { type: 'image', data: PNG, mimeType: 'image/png' }
export const resource = (uri, mimeType, value) => ({
  type: 'resource',
  resource: { uri, mimeType, text: value },
})
export const form = (properties, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
})
export const ask = (message, name, type = 'string') =>
  inputRequired.elicit({ message, requestedSchema: form({ [name]: { type } }) })
export const sample = (prompt) =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: text(prompt) }],
    maxTokens: 100,
  })
/** Registers a tool; the suite wants a description of each. */
export function addTool(server, name, run, inputSchema) {
  server.registerTool(name, { description: `The tool ${name}`, inputSchema }, run)
}
