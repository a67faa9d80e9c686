import { REQUEST_ATTACKS } from './attacks/requests.js'
import { CLAIM_ATTACKS } from './attacks/token-claims.js'
import { KEY_ATTACKS } from './attacks/token-keys.js'
import { SIZE_ATTACKS } from './attacks/token-size.js'
import { describeAttacks } from './describe-attacks.js'

describeAttacks('resource-server', {
  ...KEY_ATTACKS,
  ...CLAIM_ATTACKS,
  ...SIZE_ATTACKS,
  ...REQUEST_ATTACKS,
})
