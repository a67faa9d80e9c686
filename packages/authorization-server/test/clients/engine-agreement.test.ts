import { Provider } from 'oidc-provider'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { matchRedirectUri } from '../../src/clients/match-redirect-uri.js'
import { parseRegistration } from '../../src/clients/registration.js'
import { REGISTRATION_BODIES } from './registration-bodies.js'

const PRESENTED = [
  'http://127.0.0.1:3000/cb',
  'http://127.0.0.1:1/cb',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:3000/cb/',
  'http://127.0.0.1:3000/cb?x=1',
  'http://127.0.0.1:65536/cb',
  'http://127.0.0.2:3000/cb',
  'http://localhost:3000/cb',
  'http://[::1]:3000/cb',
  'https://127.0.0.1:3000/cb',
  'HTTP://127.0.0.1:3000/cb',
  'http://127.1:3000/cb',
  'http://user@127.0.0.1:3000/cb',
  'http://127.0.0.1:3000@evil.test/cb',
  'com.example.app:/cb',
  'com.example.app://cb',
  'https://c.test/cb',
  'https://c.test:443/cb',
  'https://C.test/cb',
]

describe('the engine', () => {
  beforeAll(() => {
    // Its notices about development defaults.
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    vi.spyOn(console, 'info').mockImplementation(() => undefined)
  })

  const find = async (body: object) => {
    const result = parseRegistration(body, { redirectPolicy: {} })
    if (!result.ok) throw new Error(result.description)
    const { redirect_uris, grant_types, response_types, ...metadata } = result.metadata
    const provider = new Provider('https://as.test', {
      clients: [
        {
          client_id: 'dcr_x',
          ...(metadata.token_endpoint_auth_method === 'none' ? {} : { client_secret: 'canary' }),
          redirect_uris: [...redirect_uris],
          grant_types: [...grant_types],
          response_types: ['code'],
          token_endpoint_auth_method: metadata.token_endpoint_auth_method,
          application_type: metadata.application_type,
        },
      ],
    })
    expect(response_types).toEqual(['code'])
    return provider.Client.find('dcr_x')
  }

  it.each(Object.entries(REGISTRATION_BODIES))(
    'D13 takes what we make of %s',
    async (_name, body) => {
      expect((await find(body))?.redirectUris).toEqual(body.redirect_uris)
    },
  )

  it('D14 matches redirect URIs as we do', async () => {
    const redirect_uris = ['http://127.0.0.1:3000/cb', 'com.example.app:/cb', 'https://c.test/cb']
    const client = await find({ redirect_uris, token_endpoint_auth_method: 'none' })
    const answers = PRESENTED.map((uri) => [uri, client?.redirectUriAllowed(uri)])
    expect(answers).toEqual(PRESENTED.map((uri) => [uri, matchRedirectUri(redirect_uris, uri)]))
  })
})
