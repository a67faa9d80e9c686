import type { Engine } from '../engine/engine.js'
import type { ManagementParts } from './management-parts.js'

/** What the management works with inside a running server. */
export function managementPartsOf({ parts, feed, keys }: Engine): ManagementParts {
  const { storage, credentials, issuer, algorithm, lifetimes, resources, events, now } = parts
  return {
    storage,
    credentials,
    issuer,
    keyPolicy: { algorithm, longestTokenLife: lifetimes.accessToken },
    parseRegistration: parts.parseRegistration,
    isScope: (scope) => resources.all.some((resource) => resource.scopes.has(scope)),
    record: (event) => events.record(event),
    tell: (event) => events.tell(event),
    afterChange: () => feed.refresh(),
    afterKeyChange: () => keys.refresh(),
    now,
  }
}
