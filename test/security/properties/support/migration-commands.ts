import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { TokenStore } from '../../../../packages/mcp-auth-middleware/src/token-store/token-store.js'
import {
  checkInvariants,
  contentOf,
  type Expected,
  isVerified,
  KEYS,
  type Migration,
  mortal,
  secretsOf,
  serverOf,
} from './migration-model.js'

type Command = fc.AsyncCommand<Expected, Migration>

/** A step that ends with the check of everything that must hold after any step. */
function command(
  name: string,
  isPossible: (expected: Expected) => boolean,
  run: (expected: Expected, migration: Migration) => Promise<void>,
): Command {
  return {
    check: (expected) => isPossible(expected),
    async run(expected, migration) {
      await run(expected, migration)
      await checkInvariants(expected, migration)
    },
    toString: () => name,
  }
}

const canWrite = (store: TokenStore) => store.capabilities.write

/** A write or a delete by a server, which may die in the middle of it. */
function change(index: number, secret: string | undefined, dies: number | undefined): Command {
  const key = KEYS[index] ?? KEYS[0]
  const act = (store: TokenStore): Promise<unknown> =>
    secret === undefined ? store.delete(key) : store.set(key, { kind: 'api-key', secret })
  const what = secret === undefined ? `delete ${index}` : `write ${index}=${secret}`
  const name = dies === undefined ? what : `${what}, killed after ${dies} operations`
  return command(
    name,
    () => true,
    async (expected, { parts, stores }) => {
      const server = serverOf(parts, expected.phase, stores)
      if (!canWrite(server)) return
      const before = expected.secrets[index]
      if (dies === undefined) {
        await act(server)
        expected.secrets[index] = secret
        return
      }
      const isDone = await act(serverOf(parts, expected.phase, mortal(stores, dies))).then(
        () => true,
        () => false,
      )
      // Nobody was told that it succeeded, so both are right; a third value never is.
      const [seen] = (await secretsOf(server)).slice(index)
      assert.ok((isDone ? [secret] : [before, secret]).includes(seen), `${String(seen)} is neither`)
      expected.secrets[index] = seen
    },
  )
}

/** A copy, which may be killed; it never touches its source, and another one finds nothing to repair. */
function copy(dies: number | undefined): Command {
  return command(
    dies === undefined ? 'copy' : `copy, killed after ${dies} operations`,
    ({ phase }) => phase !== 'new',
    async (_expected, { parts, stores }) => {
      const before = await contentOf(stores.old)
      const given = dies === undefined ? stores : mortal(stores, dies)
      const copied = parts.copy(given)
      if (dies === undefined) await copied
      else await copied.catch(() => undefined)
      assert.deepEqual(await contentOf(stores.old), before, 'a copy changed its source')
    },
  )
}

/** Servers go on to the next state, after what the guide wants done before. */
const forward = command(
  'forward',
  ({ phase }) => phase !== 'new',
  async (expected, migration) => {
    const { parts, stores, emptyByHand } = migration
    switch (expected.phase) {
      case 'old':
        expected.phase = canWrite(stores.old) ? 'dual-write' : 'read-new'
        break
      case 'dual-write':
        await parts.copy(stores)
        await parts.clearExtra(stores)
        assert.ok(await isVerified(migration), 'a whole copy is not verified')
        expected.phase = 'read-new'
        break
      case 'read-new': {
        if (!canWrite(stores.old)) await parts.copy(stores)
        migration.frozen = undefined
        const { finished } = await parts.finish(stores)
        if (emptyByHand === undefined)
          assert.ok(finished, 'the end of a verified migration refused')
        emptyByHand?.()
        assert.deepEqual(await secretsOf(stores.old), [undefined, undefined, undefined])
        expected.phase = 'new'
        break
      }
    }
    if (expected.phase === 'read-new') migration.frozen = await contentOf(stores.old)
  },
)

/** The end, killed in the middle. Readers notice nothing, and it can be run again. */
function killedEnd(dies: number): Command {
  return command(
    `finish, killed after ${dies} operations`,
    ({ phase }) => phase === 'read-new',
    async (_expected, migration) => {
      migration.frozen = undefined
      await migration.parts.finish(mortal(migration.stores, dies)).catch(() => undefined)
    },
  )
}

/** Servers go back. From where the new store was written, the way back is a migration of its own. */
const back = command(
  'back',
  ({ phase }) => phase !== 'old',
  async (expected, migration) => {
    const { stores } = migration
    if (expected.phase === 'dual-write') {
      expected.phase = 'old'
      return
    }
    if (!canWrite(stores.old)) return
    migration.frozen = undefined
    migration.stores = { old: stores.new, new: stores.old }
    expected.phase = 'dual-write'
  },
)

const operations = fc.nat({ max: 40 })
const index = fc.nat({ max: KEYS.length - 1 })
const secret = fc.option(
  fc.nat({ max: 999_999 }).map((number) => `secret-${number}`),
  { nil: undefined },
)

/** Steps of servers and operators in any order, each of which may be killed after any operation. */
export function migrationCommands(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  return fc.commands(
    [
      fc.tuple(index, secret).map(([at, value]) => change(at, value, undefined)),
      fc.tuple(index, secret, operations).map(([at, value, dies]) => change(at, value, dies)),
      fc.option(operations, { nil: undefined }).map(copy),
      fc.constant(forward),
      fc.constant(forward),
      operations.map(killedEnd),
      fc.constant(back),
    ],
    { maxCommands, size: '+1' },
  )
}
