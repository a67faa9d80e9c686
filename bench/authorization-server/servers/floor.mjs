/*
 * What remains of an authorization server when only the necessary work is done: form, PKCE, look-ups by
 * hash in a Map, rotation, one ES256 signature. Every request is approved at once.
 */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const SCOPE = 'coda.read coda.write'
const digest = (text) => createHash('sha256').update(text).digest('base64url')
const secret = () => randomBytes(32).toString('base64url')
const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function readForm(request) {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return new URLSearchParams(body)
}

export function create({ origin, resource }) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' }
  const header = segment({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
  const codes = new Map()
  const refreshTokens = new Map()
  const accessTokens = new Map()

  function issueTokens(clientId) {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: origin, sub: 'ann', aud: resource, client_id: clientId, scope: SCOPE }
    const input = `${header}.${segment({ ...claims, iat: now, exp: now + 3600, jti: secret() })}`
    const token = `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
    const refreshToken = secret()
    refreshTokens.set(digest(refreshToken), clientId)
    accessTokens.set(digest(token), { ...claims, active: true })
    return { access_token: token, refresh_token: refreshToken, token_type: 'Bearer' }
  }

  function redeem(form) {
    const isCode = form.get('grant_type') === 'authorization_code'
    const [known, presented] = isCode
      ? [codes, form.get('code')]
      : [refreshTokens, form.get('refresh_token')]
    const id = digest(presented)
    const found = known.get(id)
    known.delete(id)
    if (found === undefined) return undefined
    if (isCode && found.challenge !== digest(form.get('code_verifier'))) return undefined
    return issueTokens(form.get('client_id'))
  }

  function authorize(url, response) {
    const code = secret()
    codes.set(digest(code), { challenge: url.searchParams.get('code_challenge') })
    const target = new URL(url.searchParams.get('redirect_uri'))
    target.searchParams.set('code', code)
    response.writeHead(303, { location: target.href })
    response.end()
  }

  return async (request, response) => {
    const url = new URL(request.url, origin)
    if (url.pathname === '/authorize') {
      authorize(url, response)
      return
    }
    const form = await readForm(request)
    const answer =
      url.pathname === '/introspect'
        ? (accessTokens.get(digest(form.get('token'))) ?? { active: false })
        : redeem(form)
    response.writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
  }
}
