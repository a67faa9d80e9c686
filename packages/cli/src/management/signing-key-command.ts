import type { SigningKeyStatus } from '@bestviable/mcp-authorization-server/management'
import { formatTable } from '../output/table.js'
import { formatTime } from './formats.js'

/** Signing keys, for people. */
export function describeSigningKeys(keys: readonly SigningKeyStatus[]): readonly string[] {
  if (keys.length === 0) return ['no signing keys; a server makes the first when it starts']
  return formatTable(
    ['KEY ID', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'REMOVED'],
    keys.map((key) => [
      key.kid,
      key.algorithm,
      key.state,
      formatTime(key.signsFrom),
      formatTime(key.removeAt),
    ]),
  )
}
