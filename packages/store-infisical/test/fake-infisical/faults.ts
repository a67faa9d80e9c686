/** The endpoints of the fake, by the names that the contract data uses. */
export type FakeEndpoint =
  | 'login'
  | 'awsLogin'
  | 'renew'
  | 'getSecret'
  | 'listSecrets'
  | 'createSecret'
  | 'updateSecret'
  | 'deleteSecret'
  | 'createFolder'
  | 'listFolders'

/**
 * What goes wrong. `stall`: no answer before `release()`, which also makes the change. `stall-body`: the
 * change is made and the answer stops in its middle. `reset-after-apply`: the change is made and the
 * connection ends without an answer. `approval`: 200 `{approval}` and no change.
 */
export type FakeFault =
  | 'rate-limit'
  | 'server-error'
  | 'bad-gateway'
  | 'html'
  | 'no-content'
  | 'stall'
  | 'stall-body'
  | 'reset'
  | 'reset-after-apply'
  | 'approval'
  | 'token-expired'

export type FakePermission =
  | 'describe'
  | 'read-value'
  | 'create'
  | 'edit'
  | 'delete'
  | 'create-folder'
  | 'list-folders'

interface Rule {
  readonly fault: FakeFault
  readonly endpoints: readonly FakeEndpoint[] | undefined
  times: number
}

/** Switches for everything that can go wrong. */
export class FakeFaults {
  readonly #rules: Rule[] = []
  readonly #denied = new Set<FakePermission>()
  readonly #stalled = new Set<() => void>()

  /** Goes wrong at every matching request until `clear()`. */
  always(fault: FakeFault, ...endpoints: FakeEndpoint[]): void {
    this.#rules.push({
      fault,
      endpoints: endpoints.length === 0 ? undefined : endpoints,
      times: Number.POSITIVE_INFINITY,
    })
  }

  /** Goes wrong at the next matching request only. */
  next(fault: FakeFault, ...endpoints: FakeEndpoint[]): void {
    this.#rules.push({
      fault,
      endpoints: endpoints.length === 0 ? undefined : endpoints,
      times: 1,
    })
  }

  /** Ends all faults. Requests that are stalled stay so until `release()`. */
  clear(): void {
    this.#rules.length = 0
    this.#denied.clear()
  }

  /** Answers the stalled requests now. */
  release(): void {
    const stalled = [...this.#stalled]
    this.#stalled.clear()
    for (const resume of stalled) resume()
  }

  /** Number of requests that wait for `release()`. */
  get stalled(): number {
    return this.#stalled.size
  }

  /** Takes permissions from the identity. */
  deny(...permissions: FakePermission[]): void {
    for (const permission of permissions) this.#denied.add(permission)
  }

  allows(permission: FakePermission): boolean {
    return !this.#denied.has(permission)
  }

  /** Finds the fault of one request and uses it up. */
  take(endpoint: FakeEndpoint): FakeFault | undefined {
    const rule = this.#rules.find(
      ({ endpoints, times }) => times > 0 && (endpoints?.includes(endpoint) ?? true),
    )
    if (rule === undefined) return undefined
    rule.times--
    return rule.fault
  }

  /** Waits until `release()`. */
  stall(): Promise<void> {
    return new Promise((resolve) => this.#stalled.add(resolve))
  }
}
