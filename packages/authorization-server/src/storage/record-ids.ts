import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { digestId } from '@bestviable/mcp-auth-store-postgres'

/** Turns ids of one model into what stands in the database. */
export interface RecordIds {
  /** SHA-256 of an id, or the digest that a handle of this process names. */
  digest(id: string): Uint8Array
  /**
   * Stands for the id of a record that was found by something else: the id itself is not stored. Every
   * method of the record store takes it. Nobody else can make one, so that it is no way in for who
   * knows a digest.
   */
  handle(digest: Uint8Array): string
}

const PREFIX = 'record:'

/** Creates what digests ids. Handles are known to the storage that made them. */
export function createRecordIds(): (model: string) => RecordIds {
  const key = randomBytes(32)

  return (model) => {
    function sign(digest: string): Buffer {
      return createHmac('sha256', key).update(`${model} ${digest}`).digest()
    }

    return {
      digest(id) {
        const [digest = '', signature = ''] = id.startsWith(PREFIX)
          ? id.slice(PREFIX.length).split('.')
          : []
        const given = Buffer.from(signature, 'base64url')
        const isOwn = given.length === 32 && timingSafeEqual(given, sign(digest))
        return isOwn ? Buffer.from(digest, 'base64url') : digestId(id)
      },
      handle(bytes) {
        const digest = Buffer.from(bytes).toString('base64url')
        return `${PREFIX}${digest}.${sign(digest).toString('base64url')}`
      },
    }
  }
}
