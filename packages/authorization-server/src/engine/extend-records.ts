import type Provider from 'oidc-provider'
import type { Storage } from '../storage/storage.js'
import { currentScope } from './engine-scope.js'

/** What an interaction has beside what the engine knows of. */
export interface BoundRecord {
  /** Digest of the browser that began it. */
  browser?: string | undefined
}

/** What a session of the engine has beside what its types tell. */
interface StoredSession {
  readonly id: string
  /** The id before it was reset. */
  oldId?: string | undefined
  /** Epoch seconds; absent until it is saved for the first time. */
  exp?: number | undefined
  touched: boolean
  getValueAndPayload(): Promise<{ payload: Record<string, unknown> }>
}

/** Binds interactions to the browser of the scope in which they begin, and finds no others in it. */
function bindInteractions({ Interaction }: Provider): void {
  const members = [...Interaction.IN_PAYLOAD, 'browser']
  const { save } = Interaction.prototype
  const { find } = Interaction
  Object.defineProperty(Interaction, 'IN_PAYLOAD', { value: members })
  Object.defineProperty(Interaction, 'find', {
    async value(uid: string) {
      const found = (await find.call(Interaction, uid)) as BoundRecord | undefined
      const browser = currentScope()?.browser
      return browser === undefined || found?.browser === browser ? found : undefined
    },
  })
  Object.defineProperty(Interaction.prototype, 'save', {
    value(this: InstanceType<typeof Interaction> & BoundRecord, seconds: number): Promise<string> {
      this.browser ??= currentScope()?.browser
      return save.call(this, seconds)
    },
  })
}

/**
 * Saves a session that was found only while it is still there. The engine saves it at the end of each
 * request, and would bring back what somebody has ended in between.
 */
function endSessionsForGood({ Session }: Provider, storage: Storage): void {
  const records = storage.records('Session')
  const { save } = Session.prototype
  Object.defineProperty(Session.prototype, 'save', {
    async value(this: StoredSession & InstanceType<typeof Session>, seconds: number) {
      // One that was found has an end already.
      if (this.exp === undefined) return save.call(this, seconds)
      const { id, oldId = id } = this
      this.exp = Math.floor(Date.now() / 1000) + seconds
      const { payload } = await this.getValueAndPayload()
      const isThere = await records.replace(oldId, id, payload, seconds)
      const scope = currentScope()
      if (!isThere && scope !== undefined) scope.hasSessionEnded = true
      this.oldId = undefined
      this.touched = false
      return id
    },
  })
}

/** Gives records of the engine what they lack. `storage` has to be observed. */
export function extendRecords(provider: Provider, storage: Storage): void {
  bindInteractions(provider)
  endSessionsForGood(provider, storage)
}
