import { ISSUER, RESOURCE } from '../../../bench/lib/fixture.mjs'

const auth = (value) => ({ headers: ['Authorization', value] })
const FORM = ['Content-Type', 'application/x-www-form-urlencoded']

/** Refused, whatever the code, as long as it is the client that is told of a fault. */
const refused = ({ status }) => status === 400 || status === 401 || status === 403
const accepted = ({ status }) => status === 200
const bare = ({ status, challenge }) => status === 401 && !/error=/.test(challenge)
const invalidToken = ({ status, challenge }) =>
  status === 401 && challenge.includes('error="invalid_token"')
const tooFewScopes = ({ status, challenge }) =>
  status === 403 && /error="insufficient_scope"/.test(challenge) && /scope="/.test(challenge)

/** Rows of the catalogue about the header of the request: id, input, expectation. */
function headerRows({ token }) {
  const good = token()
  return [
    ['T01', 'no `Authorization`: 401 without an error code', {}, bare],
    ['T02', 'another scheme: 401 without an error code', auth('Basic YTpi'), bare],
    ['T03', '`bearer` in any case is accepted', auth(`bEARER ${good}`), accepted],
    ['T04', '`Bearer` without a token', auth('Bearer'), refused],
    ['T06', 'a tab in place of the blank', auth(`Bearer\t${good}`), refused],
    ['T07', 'a good token followed by a word', auth(`Bearer ${good} extra`), refused],
    [
      'T09',
      'two `Authorization` fields, good and bad',
      { headers: ['Authorization', `Bearer ${good}`, 'Authorization', 'Bearer bad'] },
      refused,
    ],
    ['T11', 'a good token in quotes', auth(`Bearer "${good}"`), refused],
    ['T12', 'a good token with padding', auth(`Bearer ${good}=`), refused],
    ['T15', 'a good token in the query', { path: `/mcp?access_token=${good}` }, refused],
    [
      'T16',
      'a good token, and another in the query',
      { ...auth(`Bearer ${good}`), path: '/mcp?access_token=x' },
      refused,
    ],
    ['T17', 'a good token in a form', { headers: FORM, body: `access_token=${good}` }, refused],
    ['T19', 'a token of 8,193 characters', auth(`Bearer ${'a'.repeat(8193)}`), refused],
    ['T21', '4,000 periods', auth(`Bearer ${'.'.repeat(4000)}`), refused],
    ['T23', 'bytes that are no text', auth('Bearer \xff\xfe'), refused],
    ['T26', 'a good token as `DPoP` without a proof', auth(`DPoP ${good}`), refused],
  ]
}

/** Rows about the signature and its key. */
function keyRows({ token, hmac, unsigned, pss, pem, jwk, stranger, strangerJwk }) {
  const byStranger = (headers = {}) => token({}, headers, stranger.privateKey)
  const good = token()
  const flipped = `${good.slice(0, -20)}${good.at(-20) === 'A' ? 'B' : 'A'}${good.slice(-19)}`
  return [
    ['J01', '`alg` is `none`', unsigned('none')],
    ['J01', '`alg` is `nOnE`', unsigned('nOnE')],
    ['J03', 'HS256 with the public key as PEM', hmac(pem)],
    ['J03', 'HS256 with the public key as JWK', hmac(JSON.stringify(jwk))],
    ['J06', 'HS256 with an empty secret', hmac('')],
    ['J07', 'a key inside the token', byStranger({ jwk: strangerJwk })],
    [
      'J07',
      'a key inside the token, without a key id',
      byStranger({ jwk: strangerJwk, kid: undefined }),
    ],
    ['J11', 'a path as key id', byStranger({ kid: '../../dev/null' })],
    ['J11', '`__proto__` as key id', byStranger({ kid: '__proto__' })],
    ['J13', 'an extension that must be understood', token({}, { crit: ['foo'], foo: 1 })],
    ['J13', 'an empty list of such extensions', token({}, { crit: [] })],
    ['J15', 'a payload that stands for itself', token({}, { b64: false, crit: ['b64'] })],
    ['J29', 'a stranger with the key id of the issuer', byStranger()],
    ['J50', 'one bit of the signature', flipped],
    ['J50', 'no signature', good.slice(0, good.lastIndexOf('.') + 1)],
    ['J51', 'RS512 by the right key', token({}, { alg: 'RS512' }, undefined, 'sha512')],
    ['J51', 'PS256 by the right key', pss()],
  ].map(([id, what, text]) => [id, what, auth(`Bearer ${text}`), refused])
}

/** Rows about claims. All signatures are right. */
function claimRows({ token, raw, now }) {
  const similar = { scope: 'coda.readonly' }
  const rows = [
    ['J20', 'a list as payload', raw('[]')],
    ['J20', '`null` as payload', raw('null')],
    ['J23', 'no audience', { aud: undefined }],
    ['J23', 'an empty list of audiences', { aud: [] }],
    ['J23', 'a part of the audience', { aud: RESOURCE.slice(0, -1) }],
    ['J23', 'the audience in a text', { aud: `${RESOURCE} https://other.test` }],
    ['J23', 'the audience in a nested list', { aud: [[RESOURCE]] }],
    ['J26', 'the origin as audience', { aud: new URL(RESOURCE).origin }],
    ['J27', 'a sibling as audience', { aud: `${RESOURCE}2` }],
    ['J28', 'no issuer', { iss: undefined }],
    ['J28', 'a slash behind the issuer', { iss: `${ISSUER}/` }],
    ['J28', 'a list of issuers', { iss: [ISSUER, 'https://evil.test'] }],
    ['J32', 'no end', { exp: undefined }],
    ['J32', 'an end that is a text', { exp: String(now + 3600) }],
    ['J32', 'an end that is `null`', { exp: null }],
    ['J32', 'an end in the past', { exp: now - 3600 }],
    ['J34', 'not valid yet', { nbf: now + 3600 }],
    ['J34', 'a beginning that is a text', { nbf: String(now - 60) }],
    ['J35', 'issued in an hour', { iat: now + 3600, exp: now + 7200 }],
    ['J38', 'an ID token', token({ nonce: 'n', at_hash: 'x' }, { typ: 'JWT' })],
    ['J42', 'no subject', { sub: undefined }],
    ['J42', 'an empty subject', { sub: '' }],
    ['T27', 'a token that is bound to a key', { cnf: { jkt: 'x'.repeat(43) } }],
    ['2.3', 'a life of ten years', { exp: now + 315_360_000 }],
  ]
  return [
    ...rows.map(([id, what, change]) => [
      id,
      what,
      auth(`Bearer ${typeof change === 'string' ? change : token(change)}`),
      refused,
    ]),
    ['J44', 'a scope that only looks like ours', auth(`Bearer ${token(similar)}`), refused],
    ['J44', 'no scope', auth(`Bearer ${token({ scope: undefined })}`), refused],
  ]
}

/** Rows about what a client is told, so that it knows what to do next. */
function answerRows({ token, now }) {
  const other = token({ scope: 'coda.other' })
  return [
    [
      'J32',
      'an old token: `invalid_token`',
      auth(`Bearer ${token({ exp: now - 3600 })}`),
      invalidToken,
    ],
    [
      'J23',
      'a foreign audience: `invalid_token`',
      auth(`Bearer ${token({ aud: 'x' })}`),
      invalidToken,
    ],
    ['T22', 'no token at all: `invalid_token`', auth('Bearer canary'), invalidToken],
    ['C22', 'too few scopes: 403 that names them', auth(`Bearer ${other}`), tooFewScopes],
  ]
}

/** All rows of inputs, in the order of the catalogue. */
export function createRows(tokens) {
  return {
    'header of the request': headerRows(tokens),
    'signature and key': keyRows(tokens),
    claims: claimRows(tokens),
    'what the client is told': answerRows(tokens),
  }
}
