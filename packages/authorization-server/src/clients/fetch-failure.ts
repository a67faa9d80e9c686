/** Why a document was not read: it is not acceptable, or it cannot be had now. */
export class FetchFailure extends Error {
  readonly kind: 'invalid' | 'unavailable'
  /** A snake_case code for events. Never holds text of the other side. */
  readonly reason: string

  constructor(kind: 'invalid' | 'unavailable', reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'FetchFailure'
    this.kind = kind
    this.reason = reason
  }
}
