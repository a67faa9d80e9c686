import { grantKeyOf } from '../../../src/storage/grant-key.js'
import type { GrantRecord, GrantStore } from '../../../src/storage/storage.js'
import type { Row, State } from './memory-storage.js'

/** The grants of a storage in memory. */
export function createMemoryGrants(options: {
  readonly state: State
  readonly call: <Value>(run: () => Value) => Promise<Value>
  readonly isLive: (key: string) => boolean
}): GrantStore {
  const { state, call, isLive } = options

  const grantsOf = (matches: (row: Row) => boolean) =>
    [...state.rows]
      .filter(([key, row]) => row.model === 'Grant' && isLive(key) && matches(row))
      .map(([, row]) => row)

  const recordOf = ({ id, payload, expiresAt }: Row): GrantRecord => ({
    grantKey: grantKeyOf(id),
    userId: payload.accountId,
    clientId: payload.clientId,
    clientName: state.rows.get(`Client ${payload.clientId}`)?.payload.client_name,
    payload,
    facts: state.rows.get(`ConsentFacts ${id}`)?.payload.facts,
    createdAt: payload.iat ?? 0,
    expiresAt,
  })

  const end = (ids: readonly string[], expiresAt: number): number => {
    const gone = new Set(ids)
    let count = 0
    for (const [key, { model, id, payload }] of state.rows) {
      const isOf = payload.grantId !== undefined && gone.has(payload.grantId)
      if ((model !== 'Interaction' && isOf) || (model === 'Grant' && gone.has(id))) {
        state.rows.delete(key)
        count += 1
      }
    }
    const added = ids.map((id) => ({ kind: 'grant', id: grantKeyOf(id), expiresAt }) as const)
    state.revocations = [...state.revocations, ...added]
    return count
  }

  const removeRows = (matches: (row: Row) => boolean): void => {
    for (const [key, row] of state.rows) {
      if (row.model !== 'Client' && matches(row)) state.rows.delete(key)
    }
  }

  return {
    find: (grantKey) =>
      call(() => grantsOf(({ id }) => grantKeyOf(id) === grantKey).map(recordOf)[0]),
    list: ({ userId, clientId, limit = 100 } = {}) =>
      call(() =>
        grantsOf(
          ({ payload }) =>
            (userId === undefined || payload.accountId === userId) &&
            (clientId === undefined || payload.clientId === clientId),
        )
          .map(recordOf)
          .slice(0, limit),
      ),
    lockOfUser: () => call(() => undefined),
    lockOfClient: () => call(() => undefined),
    revoke: (grantKey, expiresAt) =>
      call(() => {
        const named = [...state.rows.values()].flatMap(({ model, id, payload }) =>
          model === 'Grant' ? [id] : payload.grantId === undefined ? [] : [payload.grantId],
        )
        const ids = [...new Set(named)].filter((id) => grantKeyOf(id) === grantKey)
        const count = end(ids, expiresAt)
        if (ids.length === 0) {
          state.revocations = [...state.revocations, { kind: 'grant', id: grantKey, expiresAt }]
        }
        return count > 0
      }),
    revokeByUser: (userId, expiresAt) =>
      call(() => {
        const ids = grantsOf(({ payload }) => payload.accountId === userId).map(({ id }) => id)
        removeRows(({ payload }) => payload.accountId === userId)
        end(ids, expiresAt)
        return ids.length
      }),
    revokeByClient: (clientId, expiresAt) =>
      call(() => {
        const ids = grantsOf(({ payload }) => payload.clientId === clientId).map(({ id }) => id)
        removeRows(({ payload }) => payload.clientId === clientId)
        end(ids, expiresAt)
        return ids.length
      }),
  }
}
