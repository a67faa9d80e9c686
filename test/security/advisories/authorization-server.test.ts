import { CONSENT_ATTACKS } from './attacks/consent.js'
import { REDIRECT_ATTACKS } from './attacks/redirects.js'
import { TOKEN_ATTACKS } from './attacks/token-endpoint.js'
import { describeAttacks } from './describe-attacks.js'

describeAttacks('authorization-server', {
  ...REDIRECT_ATTACKS,
  ...CONSENT_ATTACKS,
  ...TOKEN_ATTACKS,
})
