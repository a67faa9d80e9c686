/** What a correct resource server answers to a faulty token. */
export type FaultOutcome = 'invalid_token' | 'insufficient_scope'

/** HTTP status of each outcome (RFC 6750 section 3.1). */
export const FAULT_STATUS: Readonly<Record<FaultOutcome, number>> = {
  invalid_token: 401,
  insufficient_scope: 403,
}

/** One way in which a token can be wrong. */
export interface TokenFaultDescription {
  readonly name: string
  /** One sentence: what is wrong, everything else being right. */
  readonly description: string
  readonly outcome: FaultOutcome
}

const claimFaults = [
  ['wrong-audience', 'The audience is another resource server.'],
  [
    'sibling-audience',
    'The audience is a sibling path that starts with the path of this resource.',
  ],
  ['origin-audience', 'The audience is only the origin of this resource, which has a path.'],
  ['audience-in-text', 'The audience is one string that names this resource among others.'],
  ['empty-audience', 'The audience is an empty list.'],
  ['no-audience', 'There is no audience.'],
  ['wrong-issuer', 'The issuer is one that this server does not trust.'],
  ['issuer-trailing-slash', 'The issuer has a slash more than the trusted one.'],
  ['issuer-list', 'The issuer is a list that has the trusted one among others.'],
  ['no-issuer', 'There is no issuer.'],
  ['expired', 'The token expired an hour ago.'],
  ['no-expiry', 'The token never expires.'],
  ['string-expiry', 'The expiry is a string and not a number.'],
  ['lifetime-too-long', 'The token expires in ten years.'],
  ['not-yet-valid', 'The token is valid in an hour and not before.'],
  ['issued-in-future', 'The token claims to be issued an hour from now.'],
  ['no-subject', 'There is no subject.'],
  ['empty-subject', 'The subject is an empty string.'],
  ['id-token', 'The token is an ID token, which tells a client who signed in.'],
  ['other-token-kind', 'The token is a logout token, by its type.'],
  ['sender-constrained', 'The token is bound to a key that the request does not prove.'],
  ['payload-not-object', 'The payload is a list and not an object.'],
] as const

const signatureFaults = [
  ['alg-none', 'The token declares itself unsigned.'],
  ['hmac-with-public-key', 'The token is signed by HMAC with the public key as the secret.'],
  ['hmac-empty-key', 'The token is signed by HMAC with an empty secret.'],
  ['embedded-jwk', 'The token brings the key that it is signed by.'],
  ['remote-jku', 'The token names the address of the key that it is signed by.'],
  ['foreign-key-same-kid', 'The token is signed by a stranger who uses the key id of the issuer.'],
  ['unknown-kid', 'The token is signed by a stranger with a key id of their own.'],
  ['hostile-kid', 'The token is signed by a stranger and its key id is a path.'],
  ['rotated-key', 'The token is signed by a key that the issuer has withdrawn.'],
  ['disallowed-algorithm', 'The token is signed by the right key with another algorithm.'],
  ['critical-header', 'A header that must be understood is not known to anybody.'],
  ['unencoded-payload', 'The payload segment is declared to be the payload itself.'],
  ['bit-flipped-signature', 'One bit of the signature is wrong.'],
  ['zero-signature', 'The signature consists of zeros.'],
  ['empty-signature', 'The signature is empty.'],
  ['tampered-payload', 'A claim was changed after the token was signed.'],
  ['truncated', 'The end of the token is missing.'],
  ['padded', 'The token is followed by a padding character.'],
  ['five-parts', 'The token has the shape of an encrypted one.'],
  ['unknown-opaque', 'The token is a random string that nobody issued.'],
] as const

/** Name of one way in which a token can be wrong. */
export type TokenFault =
  | (typeof claimFaults)[number][0]
  | (typeof signatureFaults)[number][0]
  | 'insufficient-scope'

function describe(
  entries: readonly (readonly [TokenFault, string])[],
): readonly (TokenFaultDescription & { readonly name: TokenFault })[] {
  return entries.map(([name, description]) => ({ name, description, outcome: 'invalid_token' }))
}

/**
 * Every way in which a token can be wrong that the test issuer can make, with the outcome that is
 * right for it.
 *
 * @see RFC 8725 - JSON Web Token best current practices
 * @see RFC 9068 section 4 - validating JWT access tokens
 */
export const TOKEN_FAULTS: readonly (TokenFaultDescription & { readonly name: TokenFault })[] = [
  ...describe(claimFaults),
  ...describe(signatureFaults),
  {
    name: 'insufficient-scope',
    description: 'The scopes only look like the required ones.',
    outcome: 'insufficient_scope',
  },
]

/** {@link TOKEN_FAULTS} by name. */
export type TokenFaultRecord = Readonly<Record<TokenFault, TokenFaultDescription>>

export const TOKEN_FAULTS_BY_NAME = Object.fromEntries(
  TOKEN_FAULTS.map((fault) => [fault.name, fault]),
  // `fromEntries` forgets the names; the list above has each of them by construction of TokenFault.
) as TokenFaultRecord
