/** What a request over a limit is answered, with status 429. */
export interface TooManyRequests {
  readonly headers: {
    readonly 'retry-after': string
    readonly 'cache-control': 'no-store'
    readonly 'content-type': 'application/json'
  }
  readonly body: string
}

/** Builds the answer for somebody who has to wait. */
export function tooManyRequests(seconds: number): TooManyRequests {
  return {
    headers: {
      'retry-after': String(seconds),
      'cache-control': 'no-store',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      error: 'rate_limited',
      error_description: `Too many requests: wait ${seconds} seconds.`,
    }),
  }
}
