import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { compileTypeScript } from '../../bench/lib/typescript.mjs'
import { startAccessEdge } from './access-edge.mjs'
import { connectWith, signIn } from './client.mjs'
import { succeed } from './run.mjs'

const PRELOAD = fileURLToPath(new URL('./outside.mjs', import.meta.url))

/** Variables with which a program finds these pages outside, and nothing else. */
function withOutside(folder, pages) {
  const file = join(folder, '..', 'outside.json')
  writeFileSync(file, JSON.stringify(pages))
  return { NODE_OPTIONS: `--import=${PRELOAD}`, OUTSIDE_PAGES: file }
}

/** Signs whatever it is asked to. Nobody asks it anything: its keys are published elsewhere. */
const createSigner = (audience) => createTestIssuer({ issuer: 'http://127.0.0.1:9', audience })

/** Leaves the test issuer as a browser does: it asks nothing. */
async function visitIssuer(page) {
  const { headers } = await fetch(page, { redirect: 'manual' })
  return new URL(headers.get('location') ?? '', page)
}

/** Signs in as the development user, and agrees. */
async function visitOwnPages(page) {
  const { createBrowser } = await import(
    compileTypeScript('packages/authorization-server/test/engine/support/browser.ts')
  )
  let current = await createBrowser(page.origin).open(page.href)
  if (current.html.includes('/login/dev"')) {
    current = await current.submit('/login/dev', { subject: 'dev' })
  }
  if (current.html.includes('/consent"')) current = await current.submit('/consent')
  if (current.location === undefined) throw new Error(`the sign-in ended at ${current.url}`)
  return current.location
}

const checkIds = (...numbers) => numbers.map((number) => `DR-${number}`)

/** Checks that the command of the README does not make: they register clients or need a token. */
const NOT_ASKED_FOR = checkIds(12, 13, 14, 15, 16, 19, 21, 22, 25)
/** Without metadata and an authorization server there is nothing to check about them either. */
const NO_SIGN_IN = checkIds(
  ...[2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 28, 29],
)

/** DR-16 has the server fetch these; it can end in any way where they cannot be reached. */
const DOCUMENTS = [
  'https://chatgpt.com/oauth/client.json',
  'https://claude.ai/oauth/mcp-oauth-client-metadata',
]

async function findUnsure() {
  const fetched = DOCUMENTS.map((url) =>
    fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
      async (response) => response.ok && (await response.json()).client_id === url,
    ),
  )
  const answers = await Promise.all(fetched.map((each) => each.catch(() => false)))
  return answers.every(Boolean) ? [] : ['DR-16']
}

/**
 * How each way in is set up. `connect` opens a client as `isCaller` knows it. Each of `doctor` is a run:
 * its flags are added to the command of the README, `found` are the checks that cannot pass with this
 * way in, and `skipped` those that are not made.
 */
export const waysIn = {
  embedded: async ({ url }) => ({
    env: {},
    doctor: [
      { skipped: NOT_ASKED_FOR },
      // Signs in, uses and refreshes its tokens. What is left needs the variables of the server.
      { flags: ['--active'], skipped: ['DR-15'], unsure: await findUnsure() },
    ],
    connect: () => signIn(`${url}/mcp`, visitOwnPages),
    isCaller: ({ issuer, subject }) => issuer === url && subject !== '',
  }),

  async oidc({ url }) {
    const issuer = createTestIssuer({ audience: `${url}/mcp` })
    await issuer.listen()
    return {
      env: { OIDC_ISSUER: issuer.issuer },
      doctor: [{ skipped: NOT_ASKED_FOR }],
      connect: () => signIn(`${url}/mcp`, visitIssuer),
      isCaller: ({ issuer: named, subject }) => named === issuer.issuer && subject === 'test-user',
      close: () => issuer.close(),
    }
  },

  async 'local-bearer'({ folder, url }) {
    const printed = await succeed('npm', ['run', '--silent', 'make-token'], { cwd: folder })
    const token = /mcp_[\w-]+/.exec(printed)?.[0] ?? ''
    const digests = /MCP_BEARER_TOKENS=(\S+)/.exec(printed)?.[1] ?? ''
    return {
      env: { MCP_BEARER_TOKENS: digests },
      doctor: [
        {
          flags: ['--token'],
          input: token,
          // Nobody can sign in here, so that there is nothing to find for clients that want to.
          found: ['DR-1', 'DR-5'],
          skipped: NO_SIGN_IN,
        },
      ],
      connect: () => connectWith(`${url}/mcp`, { authorization: `Bearer ${token}` }),
      isCaller: ({ issuer, subject }) => issuer === 'local' && subject === 'laptop',
    }
  },

  async stytch({ folder, url }) {
    const issuer = 'https://login.example.com'
    const projectId = 'project-test-00000000-0000-4000-8000-000000000000'
    const signer = createSigner(projectId)
    const claims = { iss: issuer, sub: 'user-test-ann', client_id: 'app', scope: 'openid' }
    const token = await signer.token(claims, { header: { typ: 'JWT' } })
    const metadata = {
      issuer,
      authorization_endpoint: 'https://app.example.com/oauth/authorize',
      token_endpoint: `${issuer}/v1/oauth2/token`,
      registration_endpoint: `${issuer}/v1/oauth2/register`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'none'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }
    return {
      env: {
        STYTCH_DOMAIN: 'login.example.com',
        STYTCH_PROJECT_ID: projectId,
        ...withOutside(folder, {
          [`${issuer}/.well-known/jwks.json`]: { keys: await signer.keys.published() },
          [`${issuer}/.well-known/oauth-authorization-server`]: metadata,
          [`${issuer}/.well-known/openid-configuration`]: metadata,
        }),
      },
      // Stytch does not name itself in the answers of its sign-in (RFC 9207).
      doctor: [{ found: ['DR-29'], skipped: NOT_ASKED_FOR }],
      connect: () => connectWith(`${url}/mcp`, { authorization: `Bearer ${token}` }),
      isCaller: (caller) => caller.issuer === issuer && caller.subject === 'user-test-ann',
    }
  },

  async 'cloudflare-access'({ folder, port }) {
    const team = 'https://acme.cloudflareaccess.com'
    const tag = 'a'.repeat(64)
    const signer = createSigner(tag)
    const absent = { client_id: undefined, scope: undefined }
    const assertion = (subject) => {
      const person = { iss: team, type: 'app', sub: subject, email: `${subject}@example.com` }
      return signer.token({ ...person, ...absent }, { header: { typ: 'JWT' } })
    }
    const edge = await startAccessEdge({ port, assertion })
    return {
      // Clients reach the edge, and only the edge reaches the server.
      publicUrl: edge.url,
      doctor: [{ skipped: NOT_ASKED_FOR }],
      env: {
        PUBLIC_URL: edge.url,
        CF_ACCESS_TEAM_DOMAIN: 'acme',
        CF_ACCESS_AUD: tag,
        ...withOutside(folder, {
          [`${team}/cdn-cgi/access/certs`]: { keys: await signer.keys.published() },
        }),
      },
      connect: () => signIn(`${edge.url}/mcp`, visitIssuer),
      isCaller: ({ issuer, subject }) => issuer === team && subject === 'test-user',
      close: () => edge.close(),
    }
  },
}
