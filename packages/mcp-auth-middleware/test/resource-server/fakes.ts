import type { Principal } from '../../src/principal.js'
import type { RequestView } from '../../src/resource-server/request-view.js'
import type { CredentialSelector, TokenValidator, Verdict } from '../../src/validators/validator.js'

/** A request for `/mcp` as an adapter would hand it over. */
export function viewOf(
  headers: Readonly<Record<string, string>> = {},
  request: { readonly method?: string; readonly target?: string; readonly raw?: string[] } = {},
): RequestView {
  return {
    method: request.method ?? 'POST',
    target: request.target ?? '/mcp',
    headers: { host: 'mcp.test', ...headers },
    rawHeaders: request.raw,
  }
}

/** A person of `https://as.test`, with every member that a test does not care about. */
export function principalOf(members: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://as.test',
    subject: 'ann',
    kind: 'user',
    scopes: [],
    claims: {},
    ...members,
  }
}

/** A validator that gives the same verdict to every token of its selector. */
export function validatorOf(
  verdict: Verdict | (() => Verdict | Promise<Verdict>) = {
    kind: 'accepted',
    principal: principalOf(),
  },
  members: Partial<Omit<TokenValidator, 'validate'>> = {},
): TokenValidator {
  return {
    name: 'fake',
    selects: { opaque: true },
    authorizationServers: ['https://as.test'],
    scopeSource: 'token',
    resourceBinding: 'audience',
    ...members,
    validate: () => (typeof verdict === 'function' ? verdict() : verdict),
  }
}

/** A validator that only has to be told apart from others. */
export function namedValidator(name: string, selects: CredentialSelector): TokenValidator {
  return validatorOf(undefined, { name, selects })
}

/** An unsigned JWT with these claims: enough to choose a validator, never to be accepted. */
export function jwtWith(claims: object): string {
  const segment = (value: object): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${segment({ alg: 'RS256' })}.${segment(claims)}.c2ln`
}
