import type { Database } from '../database/database.js'
import { pollForChanges } from './change-poller.js'
import { listenForChanges } from './notifications.js'

/** Called with the digest of a key that changed, or with `undefined` when anything may have changed. */
export type ChangeListener = (keyDigest: string | undefined) => void

/** Where changes of one database come from. */
interface ChangeFeed {
  /** By namespace. The function is wrapped, so that one can be subscribed twice. */
  readonly subscriptions: Map<string, Set<{ readonly listener: ChangeListener }>>
  /** Functions that end a source: one for all namespaces where the database listens, else one each. */
  readonly sources: Map<string, () => void>
}

const ALL_NAMESPACES = ''
const feeds = new WeakMap<Database, ChangeFeed>()

function feedOf(database: Database): ChangeFeed {
  const known = feeds.get(database)
  if (known !== undefined) return known
  const feed: ChangeFeed = { subscriptions: new Map(), sources: new Map() }
  feeds.set(database, feed)
  return feed
}

/** Tells one namespace, or all of them. */
function tell(feed: ChangeFeed, namespace: string | undefined, keyDigest: string | undefined) {
  for (const [each, subscriptions] of feed.subscriptions) {
    if (namespace !== undefined && namespace !== each) continue
    for (const { listener } of [...subscriptions]) {
      try {
        listener(keyDigest)
      } catch {
        // One listener must not keep the others from hearing of it.
      }
    }
  }
}

/**
 * Subscribes to changes of one namespace, by NOTIFY where the database listens and by polling where it
 * does not. Stores over one database share the connection or the polls. Returns a function that ends it.
 */
export function subscribeToChanges(
  database: Database,
  namespace: string,
  listener: ChangeListener,
): () => void {
  const feed = feedOf(database)
  const { subscriptions, sources } = feed
  const scope = database.listens ? ALL_NAMESPACES : namespace
  const entry = { listener }
  const others = subscriptions.get(namespace) ?? new Set()
  subscriptions.set(namespace, others.add(entry))
  if (!sources.has(scope)) {
    const source = database.listens
      ? listenForChanges(database, (of, keyDigest) => tell(feed, of, keyDigest))
      : pollForChanges(database, namespace, (keyDigest) => tell(feed, namespace, keyDigest))
    sources.set(scope, source)
  }

  return () => {
    if (!others.delete(entry)) return
    if (others.size === 0 && subscriptions.get(namespace) === others)
      subscriptions.delete(namespace)
    if (scope === ALL_NAMESPACES ? subscriptions.size > 0 : subscriptions.has(namespace)) return
    sources.get(scope)?.()
    sources.delete(scope)
  }
}
