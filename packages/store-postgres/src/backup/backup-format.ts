import { createHash } from 'node:crypto'
import { StoreIntegrityError, StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'

/** First member of every backup. */
export const BACKUP_FORMAT = 'mcp-auth-backup'

/** Version of the format that this release writes, and the only one that it reads. */
export const BACKUP_VERSION = 1

/** Longest line in bytes: several times what the largest credential needs. */
export const MAXIMUM_LINE_BYTES = 4 * 1024 * 1024

const Header = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  version: z.literal(BACKUP_VERSION),
  engine: z.string(),
  schemaVersion: z.int(),
  exportedAt: z.string(),
  namespace: z.nullable(z.string()),
})

const Row = z.strictObject({
  table: z.string(),
  row: z.record(z.string(), z.nullable(z.string())),
})

const Footer = z.strictObject({
  end: z.literal(true),
  counts: z.record(z.string(), z.int()),
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
})

/** First line of a backup. */
export type BackupHeader = z.infer<typeof Header>

/** Line of one row. */
export type BackupRowLine = z.infer<typeof Row>

/** Last line of a backup. `sha256` is over all lines before it, newlines included. */
export type BackupFooter = z.infer<typeof Footer>

/** A line without its check. */
export type BackupLine = BackupHeader | BackupRowLine | BackupFooter

// The check is the last member of every line: `,"check":"0123456789abcdef"}`.
const CHECK = /^(\{.*),"check":"([0-9a-f]{16})"\}$/s
// JSON allows both in strings, and some programs break lines at them.
const LINE_SEPARATORS = /[\u2028\u2029]/g

function checkOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Formats a line with its check and newline. */
export function formatLine(line: BackupLine): string {
  const text = JSON.stringify(line)
    .slice(0, -1)
    .replace(LINE_SEPARATORS, (separator) => (separator === '\u2028' ? '\\u2028' : '\\u2029'))
  return `${text},"check":"${checkOf(text)}"}\n`
}

/** The line is not what was exported. */
export function damaged(line: number, reason: string): StoreIntegrityError {
  return new StoreIntegrityError(`backup line ${line}: ${reason}; nothing was imported`)
}

/** The line is whole, and not for this release. */
export function unsupported(line: number, reason: string): StoreInvalidError {
  return new StoreInvalidError(`backup line ${line}: ${reason}; nothing was imported`)
}

function parseJson(line: string, number: number): unknown {
  const [, text, check] = CHECK.exec(line) ?? []
  if (text === undefined || check !== checkOf(text)) {
    throw damaged(number, 'is damaged or cut off')
  }
  try {
    return JSON.parse(`${text}}`)
  } catch {
    throw damaged(number, 'is not JSON')
  }
}

function isBackupOfVersion(value: unknown): value is { readonly version: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Reflect.get(value, 'format') === BACKUP_FORMAT &&
    'version' in value
  )
}

/**
 * Parses the first line.
 *
 * @throws {@link StoreInvalidError} for a backup of another version, {@link StoreIntegrityError} for
 *   anything else that is not a header.
 */
export function parseHeader(line: string): BackupHeader {
  const value = parseJson(line, 1)
  const result = Header.safeParse(value)
  if (result.success) return result.data
  if (isBackupOfVersion(value) && value.version !== BACKUP_VERSION) {
    throw unsupported(1, 'is of a format version that this release does not know')
  }
  throw damaged(1, 'is not the header of a backup')
}

/**
 * Parses any further line.
 *
 * @throws {@link StoreIntegrityError} when it is neither a row nor a footer.
 */
export function parseLine(line: string, number: number): BackupRowLine | BackupFooter {
  const value = parseJson(line, number)
  const isFooter = typeof value === 'object' && value !== null && 'end' in value
  const result = (isFooter ? Footer : Row).safeParse(value)
  if (result.success) return result.data
  throw damaged(number, 'is neither a row nor the end of a backup')
}
