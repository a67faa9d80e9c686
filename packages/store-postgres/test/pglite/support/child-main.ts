import { createInterface } from 'node:readline'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import type { Database } from '../../../src/database/database.js'
import { loadOrCreateKeyFile } from '../../../src/pglite/key-file.js'
import { type LockFile, takeLockFile } from '../../../src/pglite/lock-file.js'
import { createPgliteDatabase } from '../../../src/pglite/pglite-database.js'
import type { ChildCommand } from './child.js'

// What the test process asks of this one, a line of JSON each; answered in the same way.

let database: Database | undefined
let lock: LockFile | undefined

function opened(): Database {
  if (database === undefined) throw new Error('not open')
  return database
}

async function perform(command: ChildCommand): Promise<unknown> {
  switch (command.type) {
    case 'lock':
      lock = await takeLockFile(command.path)
      return true
    case 'release':
      lock?.release()
      return true
    case 'keys':
      return loadOrCreateKeyFile(command.dataDir)
    case 'open':
      database = createPgliteDatabase(command.options)
      await database.ready()
      return true
    case 'query':
      return opened().query({ name: 'child', text: command.text }, command.values, {
        kind: 'write',
      })
    case 'hold':
      // Begins a transaction that never ends.
      return new Promise((resolve, reject) => {
        opened()
          .transaction(
            async (transaction) => {
              await transaction.query({ name: 'child', text: command.text }, [])
              resolve(true)
              await new Promise(() => {})
            },
            { kind: 'maintenance' },
          )
          .catch(reject)
      })
    case 'close':
      await opened().close()
      return true
    case 'exit':
      process.exit(0)
  }
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  return { message: error.message, code: isAuthError(error) ? error.code : undefined }
}

process.stdout.write('{"ready":true}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command } = JSON.parse(line)
  perform(command).then(
    (value) => process.stdout.write(`${JSON.stringify({ id, value })}\n`),
    (error: unknown) => process.stdout.write(`${JSON.stringify({ id, error: describe(error) })}\n`),
  )
}
