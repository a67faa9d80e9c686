import { describe, expect, it } from 'vitest'
import { type DescopeOptions, descope } from '../../../src/validators/presets/descope.js'
import { attach, createProvider, RESOURCE } from '../jwt-fixture.js'

const PROJECT = 'P2abcdefghijklmnopqrstuvwxyz'
const ISSUER = `https://api.descope.com/v1/apps/agentic/${PROJECT}/MS1`
const provider = createProvider(
  { iss: ISSUER, aud: RESOURCE, sub: 'U1', client_id: 'client-1', scope: 'coda.read' },
  (jwks) => ({
    [`${ISSUER}/.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
    [`${ISSUER}/keys`]: jwks,
  }),
)
const harness = attach(descope({ issuer: ISSUER, ...provider.io }), provider.clock)

describe('descope()', () => {
  it('accepts a token of the MCP server', async () => {
    expect(await harness.validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: { issuer: ISSUER, scopes: ['coda.read'] },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['a session token by project id', { iss: PROJECT }, 'issuer_mismatch'],
    ['a session token by URL', { iss: `https://api.descope.com/${PROJECT}` }, 'issuer_mismatch'],
    ['another MCP server of the project', { iss: ISSUER.replace('MS1', 'MS2') }, 'issuer_mismatch'],
    ['another resource', { aud: 'https://other.test/mcp' }, 'audience_mismatch'],
    ['no audience', { aud: undefined }, 'audience_missing'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await harness.judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it.each([PROJECT, 'https://api.descope.com', 'http://api.descope.com/x', '', undefined])(
    'refuses issuer %j',
    (issuer) => {
      expect(() => descope({ issuer } as DescopeOptions)).toThrow(/issuer: /)
    },
  )
})
