export { type AuditActor, type AuditEntry, insertAuditEntries } from './audit/audit-entry.js'
export { type AuditQueue, type AuditQueueOptions, createAuditQueue } from './audit/audit-queue.js'
export type { AuditFilter, AuditRecord } from './audit/audit-records.js'
export {
  type AuditFollowOptions,
  type AuditListOptions,
  type AuditTrail,
  type AuditTrailOptions,
  createAuditTrail,
} from './audit/audit-trail.js'
export type { AuditReads } from './audit/read-audit.js'
export type { BackupProgress } from './backup/backup-options.js'
export { type ExportOptions, exportDatabase } from './backup/export-database.js'
export {
  type BackupSource,
  type ImportCounts,
  type ImportOptions,
  type ImportResult,
  importDatabase,
} from './backup/import-database.js'
export { createDatabase } from './database/create-database.js'
export type {
  Database,
  NotificationListener,
  Queryable,
  QueryOptions,
  SqlRow,
  SqlValue,
  Statement,
} from './database/database.js'
export type { DatabaseOptions, DatabaseTlsOptions } from './database/options.js'
export type { PgPool } from './database/pg-pool.js'
export {
  digestId,
  type SealedRecordPlace,
  sealedRecordContext,
} from './keys/authorization-server-tables.js'
export { type KeyStatus, keyStatus } from './keys/key-status.js'
export { registerKeys } from './keys/register-keys.js'
export { type RotationResult, rotateKeys } from './keys/rewrap-records.js'
export type { RotationOptions, RotationProgress } from './keys/rotation-options.js'
export type { SealedRecordFailure } from './keys/sealed-pages.js'
export { type VerificationResult, verifyRecords } from './keys/verify-records.js'
export type { PostgresTokenStoreOptions, PostgresTokenStoreSettings } from './options.js'
export { type EncryptionKeyFile, loadOrCreateKeyFile } from './pglite/key-file.js'
export { type PostgresTokenStore, postgresTokenStore } from './postgres-token-store.js'
export { applyMigrations, pendingMigrations } from './schema/managed-database.js'
export type { Migration } from './schema/migration.js'
