import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  clockSkew,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import type { OpenidProfile } from './openid-profile.js'
import type { UpstreamMetadata } from './upstream-metadata.js'
import { isLoopbackUrl } from './upstream-url.js'

const CLOCK_TOLERANCE_SECONDS = 10

function clientAuthentication(profile: OpenidProfile, metadata: UpstreamMetadata) {
  const { clientSecret, clientAuthentication: configured } = profile
  // RFC 8414 section 2: basic is meant when nothing is said. Where both are offered, post is free of
  // the encoding of special characters that providers disagree about.
  const supported = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const chosen =
    configured ??
    (supported.includes('client_secret_post') ? 'client_secret_post' : 'client_secret_basic')
  return chosen === 'client_secret_post'
    ? ClientSecretPost(clientSecret)
    : ClientSecretBasic(clientSecret)
}

/**
 * Prepares the protocol library for one step, with our clock and strictness: signatures of ID tokens
 * are verified although these come from the token endpoint itself. Its `fetch` is the caller's.
 */
export async function configureOpenidClient(
  profile: OpenidProfile,
  metadata: UpstreamMetadata,
  now: () => number,
): Promise<Configuration> {
  // A template is no URL that could name itself; the library expands it by the token's tenant.
  const server = metadata.issuer.includes('{') ? profile.discovery : metadata.issuer
  return discovery(
    new URL(server),
    profile.clientId,
    {
      [clockSkew]: Math.floor(now() / 1000) - Math.floor(Date.now() / 1000),
      [clockTolerance]: CLOCK_TOLERANCE_SECONDS,
    },
    clientAuthentication(profile, metadata),
    {
      // The document was fetched, checked and cached by us.
      [customFetch]: async () => Response.json(metadata),
      execute: [
        enableNonRepudiationChecks,
        ...(isLoopbackUrl(profile.discovery) ? [allowInsecureRequests] : []),
      ],
    },
  )
}
