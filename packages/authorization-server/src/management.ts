export type {
  AdminActor,
  AuditEntry,
  AuditManagement,
  ChangeOptions,
  ClientAuthMethod,
  ClientInput,
  ClientManagement,
  ClientWithSecret,
  ConnectedApp,
  ErasedUser,
  ManagedClient,
  Management,
  PageOptions,
  SessionManagement,
  SigningKeyManagement,
  SigningKeyStatus,
  UserManagement,
  UserStats,
} from './management/management.js'
export { type OpenManagementOptions, openManagement } from './management/open-management.js'
export type { UserProfile, UserRole, UserStatus } from './storage/storage.js'
