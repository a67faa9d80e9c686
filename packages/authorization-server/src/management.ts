export { isPublicAddress } from './clients/public-address.js'
export type * from './management/management.js'
export { type OpenManagementOptions, openManagement } from './management/open-management.js'
export type { UserProfile, UserRole, UserStatus } from './storage/storage.js'
