import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseRegistration } from '../../src/clients/registration.js'
import { registrationId } from '../../src/clients/registration-id.js'

const KEY = 'canary-registration-key-0123456789'
const BODY = {
  client_name: 'Client',
  redirect_uris: ['https://c.test/cb', 'http://localhost:1111/cb', 'https://b.test/cb'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
}

function metadata() {
  const result = parseRegistration(BODY, { redirectPolicy: {} })
  if (!result.ok) throw new Error(result.description)
  return result.metadata
}

describe('registrationId()', () => {
  it('stays the same from one release to the next', () => {
    const shown = [
      'mcp-authorization-server client registration 1',
      'Client',
      ['http://localhost/cb', 'https://b.test/cb', 'https://c.test/cb'],
      ['authorization_code', 'refresh_token'],
      ...[null, null, null, null, null],
    ]
    const mac = createHmac('sha256', KEY).update(JSON.stringify(shown)).digest('base64url')
    expect(registrationId(metadata(), KEY)).toBe(`dcr_${mac}`)
  })

  it('does not depend on the order of grants', () => {
    const grant_types = [...metadata().grant_types].reverse()
    expect(grant_types).not.toEqual(metadata().grant_types)
    expect(registrationId({ ...metadata(), grant_types }, KEY)).toBe(
      registrationId(metadata(), KEY),
    )
  })
})
