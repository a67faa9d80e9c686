import { constants, createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { ISSUER, RESOURCE } from '../../../bench/lib/fixture.mjs'

const encode = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** An issuer's key, a stranger's, and tokens of both. */
export function createTokens() {
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = 'k1'
  const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
  const now = Math.floor(Date.now() / 1000)
  const header = { alg: 'RS256', typ: 'at+jwt', kid }
  const claims = {
    ...{ iss: ISSUER, aud: RESOURCE, sub: 'ann', client_id: 'client', jti: randomUUID() },
    ...{ iat: now - 60, exp: now + 3600, scope: 'coda.read' },
  }
  /** Signed by RSA, with members replaced; one that is `undefined` is left out. */
  const token = (change = {}, headers = {}, key = own.privateKey, hash = 'sha256') => {
    const input = `${encode({ ...header, ...headers })}.${encode({ ...claims, ...change })}`
    return `${input}.${sign(hash, Buffer.from(input), key).toString('base64url')}`
  }
  /** Any payload, signed as it stands. */
  const raw = (payload, headers = {}) => {
    const input = `${encode({ ...header, ...headers })}.${encode(payload)}`
    return `${input}.${sign('sha256', Buffer.from(input), own.privateKey).toString('base64url')}`
  }
  const hmac = (secret, headers = {}) => {
    const input = `${encode({ ...header, alg: 'HS256', ...headers })}.${encode(claims)}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const unsigned = (alg) => `${encode({ ...header, alg })}.${encode(claims)}.`
  const pss = () => {
    const input = `${encode({ ...header, alg: 'PS256' })}.${encode(claims)}`
    const key = {
      key: own.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
  }
  const pem = own.publicKey.export({ type: 'spki', format: 'pem' })
  const strangerJwk = stranger.publicKey.export({ format: 'jwk' })
  return { jwk, now, pem, token, raw, hmac, unsigned, pss, stranger, strangerJwk }
}
