/** Closes everything that a test opened, the newest first. */
export function createCleanup(): {
  readonly add: <Closable extends { close(): Promise<void> }>(closable: Closable) => Closable
  readonly run: () => Promise<void>
} {
  const open: { close(): Promise<void> }[] = []
  return {
    add: (closable) => {
      open.unshift(closable)
      return closable
    },
    run: async () => {
      for (const closable of open.splice(0)) await closable.close()
    },
  }
}
