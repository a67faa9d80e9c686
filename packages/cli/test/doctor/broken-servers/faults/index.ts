import type { Fault } from '../fault.js'
import { AUTHORIZATION_FAULTS } from './authorization.js'
import { PROXY_FAULTS } from './browsers-and-proxies.js'
import { CHALLENGE_FAULTS } from './challenge.js'
import { PUBLIC_URL_FAULTS } from './public-urls.js'
import { REGISTRATION_FAULTS } from './registration.js'
import { RESOURCE_METADATA_FAULTS } from './resource-metadata.js'
import { SERVER_METADATA_FAULTS, SERVER_PAGES } from './server-metadata.js'
import { TOKEN_FAULTS } from './tokens.js'

/** Every broken server, in no order that matters. */
export const FAULTS: readonly Fault[] = [
  ...CHALLENGE_FAULTS,
  ...PUBLIC_URL_FAULTS,
  ...RESOURCE_METADATA_FAULTS,
  ...SERVER_METADATA_FAULTS,
  ...SERVER_PAGES,
  ...REGISTRATION_FAULTS,
  ...AUTHORIZATION_FAULTS,
  ...TOKEN_FAULTS,
  ...PROXY_FAULTS,
]
