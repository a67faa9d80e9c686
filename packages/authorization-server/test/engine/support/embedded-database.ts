import { createDatabase, type Database } from '@bestviable/mcp-auth-store-postgres'
import { testEngines } from '../../../../store-postgres/test/support/engines.js'

/** An empty embedded database of one test file. */
export interface EmbeddedDatabase {
  readonly database: Database
  /** Closes it and removes its folder. */
  end(): Promise<void>
}

/** Opens one in a prepared folder: one in memory would be made anew, which takes seconds of work. */
export async function openEmbeddedDatabase(): Promise<EmbeddedDatabase> {
  const engine = testEngines().find(({ kind }) => kind === 'pglite')
  if (engine === undefined) throw new Error('no embedded database')
  const home = await engine.createDatabase()
  const database = createDatabase(home.options)
  return {
    database,
    async end() {
      await database.close()
      await home.drop()
    },
  }
}
