import type { Settings } from '../src/settings.js'

/** The pair of RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const FORM = /<form[^>]* action="([^"]*\/(?:login\/dev|consent))"[^>]*>([\s\S]*?)<\/form>/

async function readJson<Body>(url: string, init?: RequestInit): Promise<Body> {
  return (await (await fetch(url, init)).json()) as Body
}

/** An app that knows the URL of the server alone, and has registered. */
export interface App {
  /** The page to sign in on. */
  readonly page: URL
  /** Redeems the code with which the browser came back. */
  redeem(code: string): Promise<{ readonly access_token?: string }>
}

/** Registers an app, as an MCP client does. */
export async function registerApp({ publicUrl, resource }: Settings): Promise<App> {
  const redirectUri = 'http://127.0.0.1:7777/callback'
  const described = await readJson<{ authorization_servers: string[] }>(
    `${publicUrl}/.well-known/oauth-protected-resource/mcp`,
  )
  const [issuer] = described.authorization_servers
  const metadata = await readJson<Record<string, string>>(
    `${issuer}/.well-known/oauth-authorization-server`,
  )
  const { client_id: id } = await readJson<{ client_id: string }>(
    metadata.registration_endpoint ?? '',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Test app',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
      }),
    },
  )
  const client = { client_id: id, redirect_uri: redirectUri, resource }
  const page = new URL(metadata.authorization_endpoint ?? '')
  page.search = new URLSearchParams({
    ...client,
    response_type: 'code',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  }).toString()
  return {
    page,
    redeem: (code) => {
      const grant = { grant_type: 'authorization_code', code, code_verifier: VERIFIER }
      const body = new URLSearchParams({ ...client, ...grant })
      return readJson(metadata.token_endpoint ?? '', { method: 'POST', body })
    },
  }
}

/** What a form posts: its hidden fields, and the first button that has a value. */
function fieldsOf(form: string): URLSearchParams {
  const fields = new URLSearchParams()
  const button = form.match(/<button[^>]* name="[^>]*>/) ?? []
  for (const tag of [...(form.match(/<input[^>]* type="hidden"[^>]*>/g) ?? []), ...button]) {
    fields.set(/ name="([^"]*)"/.exec(tag)?.[1] ?? '', / value="([^"]*)"/.exec(tag)?.[1] ?? '')
  }
  return fields
}

/** Opens a page as a browser does, signs in as the development user and agrees, until the app has it back. */
export async function signIn(page: URL): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = page
  let body: URLSearchParams | undefined
  for (let step = 0; step < 20; step += 1) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
    const headers = { cookie, origin: page.origin }
    const post = body === undefined ? {} : { method: 'POST', body }
    const response = await fetch(url, { ...post, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const [, refresh] = /^0;url=(.*)$/.exec(response.headers.get('refresh') ?? '') ?? []
    const next = response.headers.get('location') ?? refresh
    const [, action, form = ''] = FORM.exec(await response.text()) ?? []
    if (next === undefined && action === undefined) {
      throw new Error(`${url.pathname} answered ${response.status} without a way on`)
    }
    url = new URL(next ?? action ?? '', url)
    if (url.origin !== page.origin) return url
    body = next === undefined ? fieldsOf(form) : undefined
  }
  throw new Error('the sign-in does not end')
}
