import { describe, expect, it } from 'vitest'
import { type EntraOptions, entra } from '../../../src/validators/presets/entra.js'
import { attach, createProvider } from '../jwt-fixture.js'

const ORIGIN = 'https://login.microsoftonline.com'
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'
const OTHER = '11111111-1111-1111-1111-111111111111'
const STRANGER = '22222222-2222-2222-2222-222222222222'
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'
const API = '33333333-3333-3333-3333-333333333333'
const KEYS = `${ORIGIN}/keys`

const v2 = {
  iss: `${ORIGIN}/${TENANT}/v2.0`,
  aud: API,
  sub: 'pairwise',
  oid: '44444444-4444-4444-4444-444444444444',
  tid: TENANT,
  ver: '2.0',
  azp: 'client-1',
  scp: 'Docs.Read Docs.Write',
  email: 'ann@example.com',
}
const v1 = { ...v2, iss: `https://sts.windows.net/${TENANT}/`, ver: '1.0', appid: 'client-1' }

const provider = createProvider(v2, (jwks) => ({
  [`${ORIGIN}/${TENANT}/v2.0/.well-known/openid-configuration`]: {
    issuer: v2.iss,
    jwks_uri: KEYS,
  },
  [`${ORIGIN}/organizations/v2.0/.well-known/openid-configuration`]: {
    issuer: `${ORIGIN}/{tenantid}/v2.0`,
    jwks_uri: KEYS,
  },
  [`${ORIGIN}/${TENANT}/.well-known/openid-configuration`]: { issuer: v1.iss, jwks_uri: KEYS },
  [KEYS]: jwks,
}))

function create(options: Partial<EntraOptions> = {}): ReturnType<typeof attach> {
  return attach(
    entra({ tenants: [TENANT], audience: API, ...provider.io, ...options }),
    provider.clock,
  )
}

describe('entra()', () => {
  it('accepts a delegated token and names its caller by oid', async () => {
    expect(await create().validate(provider.token())).toMatchObject({
      kind: 'accepted',
      principal: {
        issuer: v2.iss,
        subject: v2.oid,
        kind: 'user',
        tenant: TENANT,
        clientId: 'client-1',
        scopes: ['Docs.Read', 'Docs.Write'],
        emailVerified: true,
      },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a tenant that is not listed',
      { iss: `${ORIGIN}/${OTHER}/v2.0`, tid: OTHER },
      'issuer_mismatch',
    ],
    ['tid of one tenant, iss of another', { tid: OTHER }, 'issuer_mismatch'],
    ['no tid', { tid: undefined }, 'issuer_mismatch'],
    ['the issuer of common', { iss: `${ORIGIN}/common/v2.0` }, 'issuer_mismatch'],
    ['the unexpanded template', { iss: `${ORIGIN}/{tenantid}/v2.0` }, 'issuer_mismatch'],
    ['a version 1 token', v1, 'issuer_mismatch'],
    ['ver 1.0 under the version 2 issuer', { ver: '1.0' }, 'token_version'],
    ['an ID token of the same application', { scp: undefined }, 'not_an_access_token'],
    ['an ID token with roles', { scp: undefined, roles: ['Admin'] }, 'not_an_access_token'],
    ['an application token', { scp: undefined, roles: ['A'], idtyp: 'app' }, 'app_token'],
    ['another API', { aud: STRANGER }, 'audience_mismatch'],
    ['no oid', { oid: undefined }, 'claim_missing'],
  ])('refuses %s', async (_name, changes, reason) => {
    expect(await create().judge(provider.token(changes))).toBe(`rejected: ${reason}`)
  })

  it('accepts application tokens when asked, with their roles', async () => {
    const app = provider.token({ scp: undefined, roles: ['Docs.All'], idtyp: 'app' })
    expect(await create({ appTokens: true }).validate(app)).toMatchObject({
      principal: { kind: 'service', scopes: ['Docs.All'] },
    })
  })

  it('accepts version 1 tokens when asked, and advertises the issuer that has metadata', async () => {
    const harness = create({ version: 1, audience: 'api://coda' })
    expect(await harness.judge(provider.token({ ...v1, aud: 'api://coda' }))).toBe('accepted')
    expect(await harness.judge(provider.token({ aud: 'api://coda' }))).toBe(
      'rejected: issuer_mismatch',
    )
    expect(harness.validator.authorizationServers).toEqual([v2.iss])
  })

  describe('with several tenants', () => {
    const several = { tenants: [TENANT, OTHER.toUpperCase()] }

    it('accepts the listed ones by the template document, and no other', async () => {
      const harness = create(several)
      const other = { iss: `${ORIGIN}/${OTHER}/v2.0`, tid: OTHER }
      expect(await harness.judge(provider.token())).toBe('accepted')
      expect(await harness.judge(provider.token(other))).toBe('accepted')
      const stranger = { iss: `${ORIGIN}/${STRANGER}/v2.0`, tid: STRANGER }
      expect(await harness.judge(provider.token(stranger))).toBe('rejected: issuer_mismatch')
      const { validator } = harness
      expect(validator.selects.issuers).toEqual([v2.iss, `${ORIGIN}/${OTHER}/v2.0`])
      expect(validator.authorizationServers).toEqual([v2.iss, `${ORIGIN}/${OTHER}/v2.0`])
    })

    it('believes an address only when its domain was verified', async () => {
      const harness = create(several)
      const verified = async (claim: unknown): Promise<unknown> => {
        const verdict = await harness.validate(provider.token({ xms_edov: claim }))
        return verdict.kind === 'accepted' && verdict.principal.emailVerified
      }
      expect(await verified(undefined)).toBe(false)
      expect(await verified('true-ish')).toBe(false)
      expect(await verified(true)).toBe(true)
      expect(await verified(1)).toBe(true)
    })

    it('uses a key only for the tenants that it names', async () => {
      const answer = async (issuer: unknown): Promise<string> => {
        provider.network.answers.set(KEYS, { keys: [{ ...provider.key.jwk, issuer }] })
        return create(several).judge(provider.token())
      }
      expect(await answer(`${ORIGIN}/{tenantid}/v2.0`)).toBe('accepted')
      expect(await answer(v2.iss)).toBe('accepted')
      expect(await answer(`${ORIGIN}/${PERSONAL}/v2.0`)).toBe('rejected: key_issuer_mismatch')
    })
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no tenants', { tenants: [] }, /tenants: /],
    ['tenants missing', { tenants: undefined }, /tenants: /],
    ['common', { tenants: ['common'] }, /tenants\[0\]: .*GUID/],
    ['a domain', { tenants: ['acme.onmicrosoft.com'] }, /tenants\[0\]: /],
    ['no audience', { audience: undefined }, /audience: /],
    ['version 3', { version: 3 }, /version: /],
  ])('refuses %s', (_name, changes, message) => {
    const options = { tenants: [TENANT], audience: API, ...changes }
    expect(() => entra(options as EntraOptions)).toThrow(message)
  })
})
