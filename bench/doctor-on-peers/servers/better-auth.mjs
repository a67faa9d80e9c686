import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { mcp, requireMcpAuth } from '@better-auth/mcp'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'

const { PORT, ORIGIN, RESOURCE } = process.env
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'notes.read']

const options = {
  baseURL: ORIGIN,
  secret: 'a secret of thirty-two characters or more',
  database: new DatabaseSync(':memory:'),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    mcp({
      loginPage: '/login',
      consentPage: '/consent',
      resource: RESOURCE,
      scopes: SCOPES,
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
    }),
  ],
}
const { runMigrations } = await getMigrations(options)
await runMigrations()
const auth = betterAuth(options)
const PERSON = { email: 'ann@example.com', password: 'correct horse battery', name: 'Ann' }
await auth.api.signUpEmail({ body: PERSON })

const handleMcp = requireMcpAuth(auth, () => Response.json({ jsonrpc: '2.0', id: 1, result: {} }), {
  resource: RESOURCE,
  requiredScopes: ['notes.read'],
})

/** The page of sign-in: signs Ann in and goes on. */
async function signIn(request) {
  const { search } = new URL(request.url)
  const signedIn = await auth.api.signInEmail({ body: PERSON, asResponse: true })
  const headers = new Headers({ location: `/api/auth/oauth2/authorize${search}` })
  for (const cookie of signedIn.headers.getSetCookie()) headers.append('set-cookie', cookie)
  return new Response(null, { status: 302, headers })
}

/** The page of consent: approves and goes on. */
async function approve(request) {
  const { search } = new URL(request.url)
  const answer = await fetch(`${ORIGIN}/api/auth/oauth2/consent`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: request.headers.get('cookie') ?? '',
      origin: ORIGIN,
    },
    body: JSON.stringify({ accept: true, oauth_query: search.slice(1) }),
  })
  const { url, redirect_uri: target = url } = await answer.json()
  return new Response(null, { status: 302, headers: { location: target } })
}

const PAGES = { '/mcp': handleMcp, '/login': signIn, '/consent': approve }

async function readBody(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length === 0 ? undefined : Buffer.concat(chunks)
}

const authHandler = toNodeHandler(auth)
createServer(async (request, response) => {
  const page = PAGES[new URL(request.url, ORIGIN).pathname]
  if (page === undefined) return authHandler(request, response)
  const answer = await page(
    new Request(new URL(request.url, ORIGIN), {
      method: request.method,
      headers: Object.entries(request.headers).filter(([, value]) => typeof value === 'string'),
      body: await readBody(request),
    }),
  )
  for (const [name, value] of answer.headers) response.appendHeader(name, value)
  response.statusCode = answer.status
  response.end(Buffer.from(await answer.arrayBuffer()))
}).listen(Number(PORT), '127.0.0.1')
