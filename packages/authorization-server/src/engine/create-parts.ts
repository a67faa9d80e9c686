import type { Database } from '@bestviable/mcp-auth-store-postgres'
import { createClientDocuments } from '../clients/client-documents.js'
import { matchRedirectUri } from '../clients/match-redirect-uri.js'
import { createPublicFetch } from '../clients/public-fetch.js'
import { parseRegistration } from '../clients/registration.js'
import { registrationId } from '../clients/registration-id.js'
import { createAddressReader } from '../limits/client-address.js'
import { limitSettings } from '../limits/limit-options.js'
import { createRateLimits } from '../limits/rate-limits.js'
import { createAdmission } from '../login/admission.js'
import type { ParsedOptions } from '../options.js'
import { createPages } from '../pages/create-pages.js'
import type { Storage } from '../storage/storage.js'
import { createEventSink } from './events.js'
import type { EngineParts } from './parts.js'
import { createResources } from './resources.js'
import { createSecrets } from './secrets.js'

/**
 * Makes the parts of the engine from checked options and an open storage. Limits are counted in `database`
 * where it is a PostgreSQL, and in this process without one.
 */
export function createParts(
  options: ParsedOptions,
  storage: Storage,
  database?: Database,
): EngineParts {
  const { redirectPolicy, connect, now } = options
  const secrets = createSecrets(options.keys)
  const registrationKey = secrets.derive('client registration')
  const events = createEventSink({ storage, onEvent: options.onEvent, now })
  return {
    issuer: options.issuer,
    resources: createResources(options.resources),
    lifetimes: options.lifetimes,
    algorithm: options.signingAlgorithm,
    consent: options.consent,
    dynamicRegistration: options.dynamicRegistration,
    unusedClientDays: options.unusedClientDays,
    auditRetentionDays: options.auditRetentionDays,
    clientDocuments: options.clientDocuments,
    pushedAuthorizationRequests: options.pushedAuthorizationRequests,
    dpop: options.dpop,
    resourceServerClients: options.resourceServerClients,
    scopePolicy: options.scopePolicy,
    logins: options.login,
    connect: connect && { login: connect, optional: options.connectOptional },
    firstAdmin: options.firstAdmin,
    credentials: options.credentials,
    storage,
    pages: createPages({ brand: options.brand, texts: options.texts }),
    admission:
      options.allow === undefined
        ? () => ({ admitted: false, reason: 'not_listed' })
        : createAdmission(options.allow),
    documents: options.clientDocuments ? createClientDocuments({ redirectPolicy, now }) : undefined,
    publicFetch: createPublicFetch(),
    parseRegistration: (body) => parseRegistration(body, { redirectPolicy }),
    registrationId: (metadata) => registrationId(metadata, registrationKey),
    isRedirectAllowed: (client, uri) => matchRedirectUri(client.redirect_uris, uri),
    secrets,
    events,
    limits: createRateLimits({
      settings: limitSettings(options.rateLimits),
      database,
      secrets,
      events,
    }),
    addresses: createAddressReader(options.trustProxy),
    now,
  }
}
