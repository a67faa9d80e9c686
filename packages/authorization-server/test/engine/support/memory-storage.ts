import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { AdapterPayload } from 'oidc-provider'
import { AlreadyConsumedError } from '../../../src/storage/already-consumed.js'
import type {
  AuditInput,
  ClientRecord,
  RecordStore,
  Revocation,
  SigningKey,
  Storage,
  UserProfile,
} from '../../../src/storage/storage.js'
import { createMemoryGrants } from './memory-grants.js'

export interface Row {
  readonly model: string
  readonly id: string
  readonly payload: AdapterPayload
  readonly expiresAt: number
}

export interface State {
  rows: Map<string, Row>
  users: Map<string, UserProfile>
  inactive: Set<string>
  keys: readonly SigningKey[]
  revocations: readonly Revocation[]
  audit: readonly AuditInput[]
}

/** A storage in memory whose transactions take turns, with a switch for outages. */
export interface MemoryStorage extends Storage {
  readonly state: State
  /** Every call fails from now on, or after so many further calls. */
  fail(afterCalls?: number): void
  recover(): void
  /** Number of calls since the last recovery, without reads of the revocations; for fault injection. */
  readonly calls: number
}

function copy(state: State): State {
  return {
    ...state,
    rows: new Map(state.rows),
    users: new Map(state.users),
    inactive: new Set(state.inactive),
  }
}

export function createMemoryStorage(now: () => number): MemoryStorage {
  const state: State = {
    rows: new Map(),
    users: new Map(),
    inactive: new Set(),
    keys: [],
    revocations: [],
    audit: [],
  }
  const running = new AsyncLocalStorage<(() => void)[]>()
  const watchers = new Set<() => void>()
  let turn: Promise<unknown> = Promise.resolve()
  let callsLeft = Number.POSITIVE_INFINITY
  let calls = 0

  const call = async <Value>(run: () => Value | Promise<Value>): Promise<Value> => {
    calls += 1
    callsLeft -= 1
    if (callsLeft < 0) throw new StoreUnavailableError('the database did not answer')
    await new Promise((resolve) => setImmediate(resolve))
    return run()
  }
  // Of the feed, by a timer of its own: it would make the count of a request depend on the time.
  const poll = async <Value>(run: () => Value): Promise<Value> => {
    if (callsLeft <= 0) throw new StoreUnavailableError('the database did not answer')
    return run()
  }
  const seconds = () => Math.floor(now() / 1000)
  const live = (key: string): Row | undefined => {
    const row = state.rows.get(key)
    return row !== undefined && row.expiresAt > seconds() ? row : undefined
  }

  const records = (model: string): RecordStore => {
    const keyOf = (id: string) => `${model} ${id}`
    const findBy = (matches: (row: Row) => boolean) =>
      [...state.rows.values()].find((row) => row.model === model && matches(row))?.payload
    return {
      upsert: (id, payload, expiresIn) =>
        call(() => {
          const expiresAt =
            expiresIn === undefined ? Number.POSITIVE_INFINITY : seconds() + expiresIn
          state.rows.set(keyOf(id), { model, id, payload: structuredClone(payload), expiresAt })
        }),
      replace: (from, id, payload, expiresIn) =>
        call(() => {
          if (live(keyOf(from)) === undefined) return false
          state.rows.delete(keyOf(from))
          const expiresAt = seconds() + expiresIn
          state.rows.set(keyOf(id), { model, id, payload: structuredClone(payload), expiresAt })
          return true
        }),
      find: (id) =>
        call(() => {
          if (model === 'Client' && state.inactive.has(id)) return undefined
          return structuredClone(live(keyOf(id))?.payload)
        }),
      findByUid: (uid) => call(() => structuredClone(findBy(({ payload }) => payload.uid === uid))),
      findByUserCode: () => call(() => undefined),
      consume: (id) =>
        call(() => {
          const row = live(keyOf(id))
          if (row === undefined || row.payload.consumed !== undefined) {
            throw new AlreadyConsumedError(model)
          }
          const payload = { ...row.payload, consumed: seconds() }
          state.rows.set(keyOf(id), { ...row, payload })
        }),
      destroy: (id) => call(() => void state.rows.delete(keyOf(id))),
      revokeByGrantId: (grantId) =>
        call(() => {
          for (const [key, { payload }] of state.rows) {
            if (payload.grantId === grantId) state.rows.delete(key)
          }
        }),
    }
  }

  const clientOf = (row: Row): ClientRecord => ({
    clientId: row.id,
    clientName: row.payload.client_name,
    redirectUris: row.payload.redirect_uris ?? [],
    grantTypes: row.payload.grant_types ?? [],
    tokenEndpointAuthMethod: row.payload.token_endpoint_auth_method ?? 'client_secret_basic',
    origin: row.payload.origin === 'registered' ? 'registered' : 'dynamic',
    active: !state.inactive.has(row.id),
    createdAt: 0,
  })
  const documentClients = (): ClientRecord[] => {
    const ids = [...state.rows].flatMap(([key, { model, payload }]) =>
      model === 'Grant' && live(key) !== undefined ? [payload.clientId ?? ''] : [],
    )
    const unknown = [...new Set(ids)].filter(
      (id) => id.startsWith('https://') && !state.rows.has(`Client ${id}`),
    )
    return unknown.map((clientId) => ({
      clientId,
      clientName: new URL(clientId).host,
      redirectUris: [],
      grantTypes: [],
      tokenEndpointAuthMethod: 'none',
      origin: 'document',
      active: true,
      createdAt: 0,
    }))
  }
  const listClients = () => [
    ...[...state.rows.values()].filter((row) => row.model === 'Client').map(clientOf),
    ...documentClients(),
  ]
  const patchUser = (
    userId: string,
    patch: Partial<UserProfile>,
    event: Pick<AuditInput, 'event' | 'actor'>,
  ) =>
    call(() => {
      const user = state.users.get(userId)
      if (user === undefined) return undefined
      const changed = { ...user, ...patch, updatedAt: seconds() }
      state.users.set(userId, changed)
      state.audit = [...state.audit, { ...event, outcome: 'done', details: { userId } }]
      return changed
    })

  return {
    state,
    fail: (afterCalls = 0) => {
      callsLeft = afterCalls
    },
    recover: () => {
      callsLeft = Number.POSITIVE_INFINITY
      calls = 0
    },
    get calls() {
      return calls
    },
    async transaction(run) {
      if (running.getStore() !== undefined) return run()
      const before = turn
      let resolve: () => void = () => undefined
      turn = new Promise<void>((done) => {
        resolve = done
      })
      await before
      const saved = copy(state)
      try {
        const waiting: (() => void)[] = []
        const value = await running.run(waiting, async () => {
          const result = await run()
          await call(() => undefined)
          return result
        })
        for (const each of waiting) each()
        return value
      } catch (error) {
        Object.assign(state, saved)
        throw error
      } finally {
        resolve()
        for (const watcher of watchers) watcher()
      }
    },
    afterCommit(run) {
      const waiting = running.getStore()
      if (waiting === undefined) run()
      else waiting.push(run)
    },
    records,
    lock: () =>
      call(() => {
        if (running.getStore() === undefined) throw new TypeError('a lock needs a transaction')
      }),
    withToken: (_family, run) => run(),
    useOnce: (name, expiresAt) =>
      call(() => {
        const key = `ReplayDetection ${name}`
        if (live(key) !== undefined) return false
        state.rows.set(key, {
          model: 'ReplayDetection',
          id: name,
          payload: {},
          expiresAt,
        })
        return true
      }),
    users: {
      find: (userId) => call(() => state.users.get(userId)),
      hold: (userId) => call(() => state.users.get(userId)),
      findByEmail: (email) =>
        call(() =>
          [...state.users.values()].filter((user) => user.email === email.trim().toLowerCase()),
        ),
      lockAdmins: () =>
        call(() => {
          if (running.getStore() === undefined) throw new TypeError('a lock needs a transaction')
          const users = [...state.users.values()]
          return users.filter((user) => user.role === 'admin' && user.status === 'active')
        }),
      count: () =>
        call(() => {
          const users = [...state.users.values()]
          const have = (status: string) => users.filter((user) => user.status === status).length
          return {
            users: users.filter((user) => user.providerUserId !== undefined).length,
            suspended: have('suspended'),
            invited: have('invited'),
          }
        }),
      findByIdentity: (issuer, subject) =>
        call(() =>
          [...state.users.values()].find(
            (user) => user.providerIssuer === issuer && user.providerUserId === subject,
          ),
        ),
      findInvitation: (email) =>
        call(() =>
          [...state.users.values()].find(
            (user) => user.status === 'invited' && user.email === email,
          ),
        ),
      signIn: (identity) =>
        call(() => {
          const { issuer, subject, email } = identity
          const users = [...state.users.values()]
          const known =
            users.find(
              (user) => user.providerIssuer === issuer && user.providerUserId === subject,
            ) ?? users.find((user) => user.status === 'invited' && user.email === email)
          const profile: UserProfile = {
            userId: known?.userId ?? randomUUID(),
            email,
            name: identity.name,
            picture: identity.picture,
            provider: identity.provider,
            providerIssuer: issuer,
            providerUserId: subject,
            status: known?.status === 'suspended' ? 'suspended' : 'active',
            role: known?.role ?? 'user',
            createdAt: known?.createdAt ?? seconds(),
            lastLoginAt: seconds(),
            updatedAt: seconds(),
          }
          state.users.set(profile.userId, profile)
          return profile
        }),
      invite: (email, options = {}) =>
        call(() => {
          const time = seconds()
          const profile: UserProfile = {
            userId: randomUUID(),
            email,
            name: options.name,
            status: 'invited',
            role: options.role ?? 'user',
            createdAt: time,
            updatedAt: time,
          }
          state.users.set(profile.userId, profile)
          return profile
        }),
      setStatus: (userId, status, actor) =>
        patchUser(
          userId,
          { status },
          { event: status === 'suspended' ? 'user.suspend' : 'user.activate', actor },
        ),
      setRole: (userId, role, actor) => patchUser(userId, { role }, { event: 'user.role', actor }),
      remove: (userId) => call(() => state.users.delete(userId)),
      list: ({ status, limit = 100 } = {}) =>
        call(() =>
          [...state.users.values()]
            .filter((user) => status === undefined || user.status === status)
            .slice(0, limit),
        ),
      countActive: () => call(() => state.users.size),
    },
    clients: {
      find: (clientId) =>
        call(() => {
          const row = state.rows.get(`Client ${clientId}`)
          return row && clientOf(row)
        }),
      findListed: (clientId) =>
        call(() => listClients().find((client) => client.clientId === clientId)),
      list: ({ limit = 100 } = {}) => call(() => listClients().slice(0, limit)),
      touch: () => call(() => undefined),
      setActive: (clientId, active) =>
        call(
          () => (active ? state.inactive.delete(clientId) : state.inactive.add(clientId)) && true,
        ),
      remove: (clientId) => call(() => state.rows.delete(`Client ${clientId}`)),
      countDynamic: () => call(() => 0),
    },
    grants: createMemoryGrants({ state, call, isLive: (key) => live(key) !== undefined }),
    auditTrail: {
      list: ({ subject, event } = {}) =>
        call(() =>
          state.audit
            .map((entry, index) => ({ id: String(index + 1), at: 0, ...entry }))
            .filter(
              (entry) =>
                (subject === undefined || entry.actor?.subject === subject) &&
                (event === undefined || entry.event === event),
            )
            .reverse(),
        ),
      credentialNames: () => call(() => ({ providers: [], issuers: [] })),
      forget: () => call(() => 0),
    },
    signingKeys: {
      list: () => call(() => state.keys),
      update: (change) =>
        call(async () => {
          state.keys = await change(state.keys)
          return state.keys
        }),
    },
    revocations: {
      add: (revocations) =>
        call(() => {
          state.revocations = [...state.revocations, ...revocations]
        }),
      read: (after) =>
        poll(() => ({
          revocations: state.revocations.slice(Number(after ?? 0)),
          position: String(state.revocations.length),
        })),
      watch: (onChange) => {
        watchers.add(onChange)
        return () => watchers.delete(onChange)
      },
    },
    audit: (event) =>
      call(() => {
        state.audit = [...state.audit, event]
      }),
    cleanUp: async () => ({ tokens: 0, clients: 0, revocations: 0, auditEvents: 0 }),
    check: () => call(() => undefined),
    close: async () => undefined,
  } as MemoryStorage
}
