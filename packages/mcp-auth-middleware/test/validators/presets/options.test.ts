import { describe, expect, it } from 'vitest'
import { auth0 } from '../../../src/validators/presets/auth0.js'
import { clerk } from '../../../src/validators/presets/clerk.js'
import { cognito } from '../../../src/validators/presets/cognito.js'
import { descope } from '../../../src/validators/presets/descope.js'
import { entra } from '../../../src/validators/presets/entra.js'
import { keycloak } from '../../../src/validators/presets/keycloak.js'
import { okta } from '../../../src/validators/presets/okta.js'
import { supabase } from '../../../src/validators/presets/supabase.js'
import { workos } from '../../../src/validators/presets/workos.js'
import type { TokenValidator } from '../../../src/validators/validator.js'

const GUID = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const presets: [name: string, create: (options: never) => TokenValidator, good: object][] = [
  ['auth0', auth0, { domain: 'acme.auth0.com' }],
  ['clerk', clerk, { domain: 'clerk.example.com' }],
  ['cognito', cognito, { userPoolId: 'eu-west-1_Abc', clientIds: ['c'] }],
  ['descope', descope, { issuer: 'https://api.descope.com/v1/apps/x' }],
  ['entra', entra, { tenants: [GUID], audience: GUID }],
  ['keycloak', keycloak, { url: 'https://sso.test', realm: 'acme' }],
  ['okta', okta, { issuer: 'https://acme.okta.com/oauth2/default' }],
  ['supabase', supabase, { projectRef: 'abcdefghijklmnopqrst' }],
  ['workos', workos, { domain: 'acme.authkit.app' }],
]

describe.each(presets)('%s()', (name, create, good) => {
  const call = (changes: object): TokenValidator => create({ ...good, ...changes } as never)

  it('is named, binds to an issuer and advertises only https issuers', () => {
    const validator = call({})
    expect(validator.name).toBe(name)
    expect(validator.selects.issuers?.length).toBeGreaterThan(0)
    for (const issuer of validator.authorizationServers) expect(issuer).toMatch(/^https:\/\//)
  })

  it.each<[string, object, string]>([
    ['an unset audience', { audience: undefined }, 'audience'],
    ['an empty audience', { audience: '' }, 'audience'],
    ['an empty audience list', { audience: [] }, 'audience'],
    ['audience null', { audience: null }, 'audience'],
    ['a misspelt key', { audiance: 'x' }, 'audiance'],
    ['unset clients', { clientIds: undefined }, 'clientIds'],
    ['tolerance NaN', { clockTolerance: Number.NaN }, 'clockTolerance'],
    ['tolerance -1', { clockTolerance: -1 }, 'clockTolerance'],
    ['tolerance Infinity', { clockTolerance: Number.POSITIVE_INFINITY }, 'clockTolerance'],
  ])('P18 refuses %s and names it', (_name, changes, path) => {
    expect(() => call(changes)).toThrow(new RegExp(`^${name}: .*\\n {2}${path}: `))
  })
})
