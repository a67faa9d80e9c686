import { empty, json, page, redirect, SILENCE } from '../exchange.js'
import type { Fault } from '../fault.js'
import { healthy, resourceMetadataUrl } from '../healthy.js'
import type { Urls } from '../parts.js'
import { challengeNaming } from '../replacements.js'

const pathOfMetadata = (urls: Urls): string => new URL(resourceMetadataUrl(urls)).pathname

/** DR-1. No login prompt, a connector without tools, or 401 again and again. */
const noChallenge: readonly Fault[] = [
  {
    check: 'DR-1',
    server: 'answers 401 without WWW-Authenticate',
    status: 'failed',
    replacement: { refuse: () => json(401, { error: 'unauthorized' }) },
  },
  {
    check: 'DR-1',
    server: 'answers no request with a token',
    status: 'failed',
    replacement: {
      proxy: (answer, { headers, path }, { resource }) =>
        headers.authorization !== undefined && path === new URL(resource).pathname
          ? SILENCE
          : answer,
    },
  },
  {
    check: 'DR-1',
    server: 'lets everybody in',
    status: 'failed',
    replacement: { letsIn: () => true },
  },
  {
    check: 'DR-1',
    server: 'answers 403 to a request without a token',
    status: 'failed',
    replacement: {
      refuse: (challenge) => json(403, { error: 'forbidden' }, { 'www-authenticate': challenge }),
    },
  },
  {
    check: 'DR-1',
    server: 'sends a request without a token to a sign-in page',
    status: 'failed',
    replacement: { refuse: () => redirect('/sign-in') },
  },
  {
    check: 'DR-1',
    server: 'answers 400 to a request without a token',
    status: 'failed',
    replacement: { refuse: () => json(400, { error: 'invalid_request' }) },
  },
  {
    check: 'DR-1',
    server: 'answers with a page where a challenge belongs',
    status: 'failed',
    replacement: { refuse: () => page(200, 'Sign in') },
  },
  {
    check: 'DR-1',
    server: 'asks for Basic credentials',
    status: 'failed',
    replacement: { challenge: () => 'Basic realm="notes"' },
  },
  {
    check: 'DR-1',
    server: 'asks for a Bearer token and does not say where to get one',
    status: 'failed',
    replacement: challengeNaming(() => 'realm="notes"'),
  },
  {
    check: 'DR-1',
    server: 'names its metadata in resource_metadata_uri',
    status: 'failed',
    replacement: challengeNaming((urls) => `resource_metadata_uri="${resourceMetadataUrl(urls)}"`),
  },
  {
    check: 'DR-1',
    server: 'names its metadata in resource',
    status: 'failed',
    replacement: challengeNaming((urls) => `resource="${resourceMetadataUrl(urls)}"`),
  },
  {
    check: 'DR-1',
    server: 'offers another scheme before Bearer, where no client looks',
    status: 'failed',
    replacement: {
      challenge: (urls, refusal) => `Basic realm="notes", ${healthy.challenge(urls, refusal)}`,
    },
  },
  {
    check: 'DR-1',
    server: 'lets everybody in who brings a token, whatever it is',
    status: 'failed',
    replacement: { letsIn: ({ headers }) => headers.authorization !== undefined },
  },
  {
    check: 'DR-1',
    server: 'is not at this path',
    status: 'failed',
    replacement: { refuse: () => json(404, { error: 'not_found' }) },
  },
  {
    check: 'DR-1',
    server: 'writes the scheme as bearer, which VS Code compares by letter',
    status: 'failed',
    replacement: {
      challenge: (urls, refusal) => healthy.challenge(urls, refusal).replace('Bearer', 'bearer'),
    },
  },
]

/** DR-2. Discovery never starts. */
const unusableMetadataUrl: readonly Fault[] = [
  {
    check: 'DR-2',
    server: 'names its metadata by a path',
    status: 'failed',
    replacement: challengeNaming((urls) => `resource_metadata="${pathOfMetadata(urls)}"`),
  },
  {
    check: 'DR-2',
    server: 'names its metadata without a scheme',
    status: 'failed',
    replacement: challengeNaming(
      (urls) => `resource_metadata="${resourceMetadataUrl(urls).replace(/^https?:/, '')}"`,
    ),
  },
  {
    check: 'DR-2',
    server: 'names metadata of another origin',
    status: 'failed',
    replacement: {
      ...challengeNaming((urls) => `resource_metadata="${urls.issuer}${pathOfMetadata(urls)}"`),
      proxy: (answer, { path }, urls) =>
        answer.status === 404 && path === pathOfMetadata(urls)
          ? json(
              200,
              healthy.resourceMetadata(urls, path),
              healthy.corsHeaders('resource metadata'),
            )
          : answer,
    },
  },
]

/** DR-27. GET and HEAD are answered as no client expects. */
const otherMethods: readonly Fault[] = [
  {
    check: 'DR-27',
    server: 'answers 405 to GET before it asks for a token',
    status: 'warning',
    replacement: {
      proxy: (answer, { method, path }, { resource }) =>
        method === 'GET' && path === new URL(resource).pathname
          ? empty(405, { allow: 'POST' })
          : answer,
    },
  },
  {
    check: 'DR-27',
    server: 'answers 404 to HEAD',
    status: 'warning',
    replacement: {
      proxy: (answer, { method, path }, { resource }) =>
        method === 'HEAD' && path === new URL(resource).pathname ? empty(404) : answer,
    },
  },
  {
    check: 'DR-27',
    server: 'does not answer GET',
    status: 'warning',
    replacement: {
      proxy: (answer, { method, path }, { resource }) =>
        method === 'GET' && path === new URL(resource).pathname ? SILENCE : answer,
    },
  },
  {
    check: 'DR-27',
    server: 'opens a stream for GET without a token',
    status: 'warning',
    replacement: { letsIn: ({ method }) => method === 'GET' },
  },
  {
    check: 'DR-27',
    server: 'leaves the challenge out for GET',
    status: 'warning',
    replacement: {
      refuse: (challenge, refusal, request) =>
        request.method === 'GET'
          ? json(401, { error: 'unauthorized' })
          : healthy.refuse(challenge, refusal, request),
    },
  },
]

/** DR-31. A static header is configured, the client loops. */
const badTokens: readonly Fault[] = [
  {
    check: 'DR-31',
    server: 'answers a bad token without a challenge',
    status: 'warning',
    replacement: {
      refuse: (challenge, refusal, request) =>
        refusal === 'bad token'
          ? json(401, { error: 'invalid_token' })
          : healthy.refuse(challenge, refusal, request),
    },
  },
  {
    check: 'DR-31',
    server: 'answers 403 to a bad token',
    status: 'warning',
    replacement: {
      refuse: (challenge, refusal, request) => ({
        ...healthy.refuse(challenge, refusal, request),
        status: refusal === 'bad token' ? 403 : 401,
      }),
    },
  },
  {
    check: 'DR-31',
    server: 'answers 500 to a bad token',
    status: 'warning',
    replacement: {
      refuse: (challenge, refusal, request) =>
        refusal === 'bad token'
          ? json(500, { error: 'internal_error' })
          : healthy.refuse(challenge, refusal, request),
    },
  },
]

/** Servers whose challenge is wrong. */
export const CHALLENGE_FAULTS: readonly Fault[] = [
  ...noChallenge,
  ...unusableMetadataUrl,
  ...otherMethods,
  ...badTokens,
]
