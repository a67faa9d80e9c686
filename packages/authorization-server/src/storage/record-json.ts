import { StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { AdapterPayload } from 'oidc-provider'

/** What stands in a sealed payload in place of the id. The version is new and random: nothing else has it. */
function placeholderOf(version: string): string {
  return `{id ${version}}`
}

/** How a text stands within a string of JSON. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/**
 * Formats a payload without its id, which the engine also writes into members such as `returnTo`. In the
 * text as a whole, which {@link parseRecord} turns back before it reads it as JSON.
 */
export function formatRecord(payload: AdapterPayload, id: string, version: string): string {
  if (id === '') throw new TypeError('a record needs an id')
  return JSON.stringify(payload).replaceAll(escaped(id), () => placeholderOf(version))
}

/**
 * Parses what {@link formatRecord} made and puts the id back.
 *
 * @throws {@link StoreIntegrityError} when it is not a JSON object.
 */
export function parseRecord(json: string, id: string, version: string): AdapterPayload {
  let payload: unknown
  try {
    payload = JSON.parse(json.replaceAll(placeholderOf(version), () => escaped(id)))
  } catch {
    payload = undefined
  }
  if (typeof payload !== 'object' || payload === null) {
    throw new StoreIntegrityError('the opened record is not a JSON object')
  }
  // The boundary to the engine: what was sealed is what the engine had given.
  return payload as AdapterPayload
}
