import {
  parseClientMetadata,
  readText,
  readTexts,
  type UncheckedMetadata,
} from './client-metadata.js'
import type { ClientMetadata, RedirectPolicy } from './client-policy.js'
import { FetchFailure } from './fetch-failure.js'
import { MetadataRefusal } from './metadata-refusal.js'

type DocumentAuthMethod = 'none' | 'private_key_jwt'

const SECRET_MEMBERS = ['client_secret', 'client_secret_expires_at']
const decoder = new TextDecoder('utf-8', { fatal: true })

function refuse(reason: string): never {
  throw new FetchFailure('invalid', reason)
}

function isRecord(value: unknown): value is UncheckedMetadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(body: Uint8Array): UncheckedMetadata {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(body))
  } catch {
    refuse('not_json')
  }
  return isRecord(value) ? value : refuse('not_json')
}

/** A document without a method is one of a public client: it cannot have the secret of the default. */
function parseAuthMethods(
  document: UncheckedMetadata,
): readonly [DocumentAuthMethod, ...DocumentAuthMethod[]] {
  const preferred = readText(document, 'token_endpoint_auth_method')
  const choices = readTexts(document, 'token_endpoint_auth_methods_supported') ?? []
  if (preferred !== undefined && preferred !== 'none' && preferred !== 'private_key_jwt') {
    refuse('auth_method_not_allowed')
  }
  const accepts = (method: DocumentAuthMethod) => preferred === method || choices.includes(method)
  if (!accepts('private_key_jwt')) {
    return preferred === undefined && choices.length > 0 && !choices.includes('none')
      ? refuse('auth_method_not_allowed')
      : ['none']
  }
  return accepts('none') ? ['none', 'private_key_jwt'] : ['private_key_jwt']
}

/**
 * Checks a client ID metadata document and normalises it like a registration.
 *
 * @throws FetchFailure when it is not acceptable.
 * @see draft-ietf-oauth-client-id-metadata-document section 4
 */
export function parseClientDocument(
  id: string,
  body: Uint8Array,
  policy: RedirectPolicy,
): ClientMetadata {
  const document = parseJson(body)
  if (document.client_id !== id) refuse('client_id_differs')
  if (SECRET_MEMBERS.some((member) => Object.hasOwn(document, member))) refuse('contains_secret')
  try {
    const metadata = parseClientMetadata(document, policy, parseAuthMethods(document))
    return metadata.client_name === undefined ? refuse('client_name_missing') : metadata
  } catch (error) {
    if (!(error instanceof MetadataRefusal)) throw error
    throw new FetchFailure('invalid', error.error, { cause: error })
  }
}
