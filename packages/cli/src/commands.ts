import type { Command } from './command.js'
import { auditExport } from './commands/audit/export.js'
import { auditShow } from './commands/audit/show.js'
import { clientsCreate } from './commands/clients/create.js'
import { clientsList } from './commands/clients/list.js'
import { clientsRevoke } from './commands/clients/revoke.js'
import { clientsRotateSecret } from './commands/clients/rotate-secret.js'
import { dbExport } from './commands/db/export.js'
import { dbImport } from './commands/db/import.js'
import { dbMigrate } from './commands/db/migrate.js'
import { dbVerify } from './commands/db/verify.js'
import { doctor } from './commands/doctor/doctor.js'
import { exportCredentials } from './commands/export/export.js'
import { init } from './commands/init.js'
import { keysGenerate } from './commands/keys/generate.js'
import { keysRotate } from './commands/keys/rotate.js'
import { keysStatus } from './commands/keys/status.js'
import { migrate } from './commands/migrate/migrate.js'
import { sessionsList } from './commands/sessions/list.js'
import { sessionsRevoke } from './commands/sessions/revoke.js'
import { signingKeysRotate } from './commands/signing-keys/rotate.js'
import { signingKeysStatus } from './commands/signing-keys/status.js'
import { storeCheck } from './commands/store-check.js'
import { tokensDelete } from './commands/tokens/delete.js'
import { tokensGet } from './commands/tokens/get.js'
import { tokensList } from './commands/tokens/list.js'
import { tokensSet } from './commands/tokens/set.js'
import { usersActivate } from './commands/users/activate.js'
import { usersAllow } from './commands/users/allow.js'
import { usersErase } from './commands/users/erase.js'
import { usersList } from './commands/users/list.js'
import { usersSetRole } from './commands/users/set-role.js'
import { usersStats } from './commands/users/stats.js'
import { usersSuspend } from './commands/users/suspend.js'

/** Words that stand before a command, and what the help says about them. */
export const GROUPS: Readonly<Record<string, string>> = {
  tokens: 'List, show, store and remove credentials',
  keys: 'Make and rotate encryption keys',
  db: 'Look after the database of the postgres store',
  store: 'Look at a store',
  audit: 'Show who read, wrote and removed which credential',
  users: 'Let people into the authorization server, and keep them out',
  clients: 'Register clients of the authorization server, and turn them off',
  sessions: 'Show and end connections of apps',
  'signing-keys': 'Look after the keys that sign access tokens',
}

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  init,
  doctor,
  tokensList,
  tokensGet,
  tokensSet,
  tokensDelete,
  migrate,
  exportCredentials,
  keysGenerate,
  keysStatus,
  keysRotate,
  dbMigrate,
  dbVerify,
  dbExport,
  dbImport,
  storeCheck,
  auditShow,
  auditExport,
  usersAllow,
  usersSuspend,
  usersActivate,
  usersSetRole,
  usersList,
  usersErase,
  usersStats,
  clientsCreate,
  clientsRotateSecret,
  clientsList,
  clientsRevoke,
  sessionsList,
  sessionsRevoke,
  signingKeysStatus,
  signingKeysRotate,
]
