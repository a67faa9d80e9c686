import { healthy } from './healthy.js'
import type { Replacement, Urls } from './parts.js'

type Change = (urls: Urls) => Readonly<Record<string, unknown>>

/** Changes members of the metadata of the authorization server; `undefined` removes one. */
export function serverMetadataWith(change: Change): Replacement {
  return {
    serverMetadata: (urls, path) => ({ ...healthy.serverMetadata(urls, path), ...change(urls) }),
  }
}

/** Changes members of the metadata of the resource; `undefined` removes one. */
export function resourceMetadataWith(change: Change): Replacement {
  return {
    resourceMetadata: (urls, path) => ({
      ...healthy.resourceMetadata(urls, path),
      ...change(urls),
    }),
  }
}

/** Puts another parameter into the challenge, in the place of the one that names the metadata. */
export function challengeNaming(parameter: (urls: Urls) => string): Replacement {
  return {
    challenge: (urls, refusal) =>
      healthy.challenge(urls, refusal).replace(/resource_metadata="[^"]*"/, parameter(urls)),
  }
}
