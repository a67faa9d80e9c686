import { empty, json, page } from '../exchange.js'
import { active, type Fault } from '../fault.js'
import { healthy } from '../healthy.js'
import type { Replacement } from '../parts.js'
import { serverMetadataWith } from '../replacements.js'

/** Refuses a registration as soon as one of its redirect URIs is refused. */
function refusing(isRefused: (uri: string) => boolean): Replacement {
  return {
    keptRedirectUris: (asked, registration) =>
      asked.some(isRefused) ? undefined : healthy.keptRedirectUris(asked, registration),
  }
}

/** DR-9. "Does not support dynamic client registration". */
const noRegistration: readonly Fault[] = [
  {
    check: 'DR-9',
    server: 'takes neither registrations nor documents',
    status: 'failed',
    replacement: serverMetadataWith(() => ({
      registration_endpoint: undefined,
      client_id_metadata_document_supported: undefined,
    })),
  },
  {
    check: 'DR-9',
    server: 'takes no documents and denies registration in its metadata',
    status: 'failed',
    replacement: serverMetadataWith(() => ({
      registration_endpoint: undefined,
      client_id_metadata_document_supported: false,
    })),
  },
  {
    check: 'DR-9',
    server: 'takes documents and no registrations, which some clients need',
    status: 'warning',
    replacement: serverMetadataWith(() => ({ registration_endpoint: undefined })),
  },
]

/** DR-12. A registration that is answered, but not with 201. */
const otherStatus: readonly Fault[] = [
  {
    check: 'DR-12',
    server: 'answers a registration with 200',
    status: 'warning',
    means: active,
    replacement: { registration: ({ document }) => json(200, document) },
  },
]

/** DR-13. `invalid_redirect_uri` at registration. */
const refusedLists: readonly Fault[] = [
  {
    check: 'DR-13',
    server: 'refuses the whole list of Cursor because of its private scheme',
    status: 'failed',
    means: active,
    replacement: refusing((uri) => uri.startsWith('cursor:')),
  },
  {
    check: 'DR-13',
    server: 'refuses lists in which a host is on the Internet and another on loopback',
    status: 'failed',
    means: active,
    replacement: {
      keptRedirectUris: (asked, registration) => {
        const secure = asked.filter((uri) => uri.startsWith('https:')).length
        const mixed = secure > 0 && secure < asked.length
        return mixed ? undefined : healthy.keptRedirectUris(asked, registration)
      },
    },
  },
  {
    check: 'DR-13',
    server: 'refuses the whole list of VS Code because of its host for early builds',
    status: 'failed',
    means: active,
    replacement: refusing((uri) => uri.startsWith('https://insiders.vscode.dev/')),
  },
  {
    check: 'DR-13',
    server: 'takes one redirect URI of a registration only',
    status: 'failed',
    means: active,
    replacement: {
      keptRedirectUris: (asked, registration) =>
        asked.length === 1 ? healthy.keptRedirectUris(asked, registration) : undefined,
    },
  },
  {
    check: 'DR-13',
    server: 'takes loopback addresses only of clients that say that they are native',
    status: 'failed',
    means: active,
    replacement: {
      keptRedirectUris: (asked, registration) => {
        const isNative = registration.application_type === 'native'
        const isWeb = asked.every((uri) => uri.startsWith('https:'))
        return isNative || isWeb ? healthy.keptRedirectUris(asked, registration) : undefined
      },
    },
  },
]

/** DR-15. "Invalid client_id", since the document could not be fetched. */
const unreachableDocuments: readonly Fault[] = [
  {
    check: 'DR-15',
    server: 'is shown a page for people where documents of clients are',
    status: 'failed',
    means: () => ({ config: {} }),
    replacement: { vendor: () => page(403, 'Checking your browser') },
  },
  {
    check: 'DR-15',
    server: 'cannot get the document of ChatGPT',
    status: 'failed',
    means: () => ({ config: {} }),
    replacement: {
      vendor: (url) => (url.startsWith('https://chatgpt.com/') ? empty(403) : healthy.vendor(url)),
    },
  },
]

/** DR-16. ChatGPT's document is refused. */
const refusedDocuments: readonly Fault[] = [
  {
    check: 'DR-16',
    server: 'refuses documents whose default method is private_key_jwt',
    status: 'failed',
    means: active,
    replacement: {
      acceptsClientDocument: ({ token_endpoint_auth_method }) =>
        token_endpoint_auth_method === 'none',
    },
  },
  {
    check: 'DR-16',
    server: 'refuses documents that list a grant which it does not know',
    status: 'failed',
    means: active,
    replacement: {
      acceptsClientDocument: ({ grant_types }) =>
        !JSON.stringify(grant_types).includes('jwt-bearer'),
    },
  },
]

/** DR-17. Claude ignores the support of documents and registers again and again. */
const withoutPublicClients: readonly Fault[] = [
  {
    check: 'DR-17',
    server: 'takes documents and leaves none out of its methods',
    status: 'warning',
    replacement: serverMetadataWith(() => ({
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })),
  },
  {
    check: 'DR-17',
    server: 'takes documents and does not say by which methods clients authenticate',
    status: 'warning',
    replacement: serverMetadataWith(() => ({ token_endpoint_auth_methods_supported: undefined })),
  },
]

/** DR-19. "Not allowed to request scope openid". */
const noDefaultScopes: readonly Fault[] = [
  {
    check: 'DR-19',
    server: 'keeps no scopes of a client that asks for none',
    status: 'failed',
    means: active,
    replacement: {
      registeredScopes: (asked) => (asked === undefined ? [] : healthy.registeredScopes(asked)),
      grantedScopes: ({ scopes }, asked) =>
        asked.length > 0 && asked.every((name) => scopes.includes(name)) ? asked : undefined,
    },
  },
]

/** Servers at which clients cannot register. */
export const REGISTRATION_FAULTS: readonly Fault[] = [
  ...noRegistration,
  ...otherStatus,
  ...refusedLists,
  ...unreachableDocuments,
  ...refusedDocuments,
  ...withoutPublicClients,
  ...noDefaultScopes,
]
