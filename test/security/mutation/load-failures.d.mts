/** A reporter of Vitest, as far as its one method is called here. */
export const loadFailures: {
  onTestRunEnd(modules: readonly { readonly task: unknown }[]): void
}
