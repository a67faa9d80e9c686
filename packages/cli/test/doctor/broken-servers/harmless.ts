import { json, page } from './exchange.js'
import type { Fault } from './fault.js'
import { healthy } from './healthy.js'
import { serverMetadataWith } from './replacements.js'

/** Servers that differ from the healthy one in what is their own affair. The doctor has nothing to say of them. */
export const HARMLESS: readonly Pick<Fault, 'server' | 'replacement' | 'layout'>[] = [
  {
    server: 'ends earlier sign-ins of a client when it signs in again',
    replacement: {
      startGrant: (tokens, { clientId }) => {
        for (const token of tokens.ofClient(clientId)) token.revoked = true
      },
    },
  },
  {
    server: 'issues refresh tokens for offline_access only',
    replacement: {
      tokenAnswer: (document) =>
        healthy.tokenAnswer(
          String(document.scope).includes('offline_access')
            ? document
            : { ...document, refresh_token: undefined },
        ),
    },
  },
  {
    server: 'answers two uses of a refresh token with two tokens, and keeps the later one',
    replacement: {
      refresh: (tokens, value, asked) => {
        const token = tokens.find(value)
        const next = token?.successor === undefined ? undefined : tokens.find(token.successor)
        if (token === undefined || next === undefined || next.successor !== undefined) {
          return healthy.refresh(tokens, value, asked)
        }
        next.revoked = true
        token.successor = tokens.issue(token)
        return { kind: 'token', value: token.successor }
      },
    },
  },
  {
    server: 'answers scripts with the address in JSON where browsers get a redirect',
    replacement: {
      proxy: (answer, { path, headers }) =>
        path.endsWith('/authorize') && headers['sec-fetch-mode'] === 'cors' && answer.status === 302
          ? json(200, { redirect: true, url: answer.headers.location })
          : answer,
    },
  },
  {
    server: 'takes registrations and no documents',
    replacement: {
      ...serverMetadataWith(() => ({ client_id_metadata_document_supported: undefined })),
      acceptsClientDocument: () => false,
    },
  },
  {
    server: 'takes every grant that a client names',
    replacement: { acceptsGrants: () => true },
  },
  {
    server: 'offers Basic after Bearer',
    replacement: {
      challenge: (urls, refusal) => `${healthy.challenge(urls, refusal)}, Basic realm="notes"`,
    },
  },
  {
    server: 'has more in its challenge than clients read',
    replacement: {
      challenge: (urls, refusal) =>
        healthy.challenge(urls, refusal).replace(/^Bearer /, 'Bearer realm="notes", '),
    },
  },
  {
    server: 'answers preflights with 200 and the origin of the page',
    replacement: {
      preflight: (endpoint, request) => {
        const { headers } = healthy.preflight(endpoint, request)
        const origin = request.headers.origin ?? '*'
        return {
          status: 200,
          headers: { ...headers, 'access-control-allow-origin': origin, vary: 'Origin' },
          body: '',
        }
      },
    },
  },
  {
    server: 'says in which characters its JSON is',
    replacement: {
      proxy: (answer) =>
        answer.headers['content-type'] === 'application/json'
          ? {
              ...answer,
              headers: { ...answer.headers, 'content-type': 'application/json; charset=utf-8' },
            }
          : answer,
    },
  },
  {
    server: 'has its OAuth metadata only, and no OpenID document',
    replacement: { serverMetadataPaths: () => ['/.well-known/oauth-authorization-server'] },
  },
  {
    server: 'answers unknown paths with an empty 404',
    replacement: { unknown: () => ({ status: 404, headers: {}, body: '' }) },
  },
  {
    server: 'asks people to sign in on a page of its own',
    replacement: {
      proxy: (answer) =>
        answer.headers.location?.includes('code=') === true ? page(200, 'Sign in') : answer,
    },
  },
  {
    server: 'asks people for consent with a page whose first button refuses',
    replacement: {
      proxy: (answer, { method, path, query, body }) => {
        const back = query.get('redirect_uri') ?? ''
        if (method === 'POST' && path === '/consent') {
          if (!body.includes('action=')) return json(400, { error: 'invalid_request' })
          const location = `${back}?error=access_denied&state=${query.get('state')}`
          return { status: 302, headers: { location }, body: '' }
        }
        if (answer.headers.location?.includes('code=') !== true) return answer
        const form = `<form action="/consent?${query}" method="post"><button name="action" value="deny">No</button><button name="action" value="allow">Yes</button></form>`
        return { ...page(200, 'Consent'), body: form }
      },
    },
  },
]
