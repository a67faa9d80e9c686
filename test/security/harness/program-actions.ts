type Action = (given: never) => unknown

/** Makes a program do what its parent asks for, and answer with the result or the error. */
export function serveActions(actions: Readonly<Record<string, Action>>): void {
  // Waits for what it is asked, and ends with its parent.
  process.channel?.ref()
  process.once('disconnect', () => process.exit(1))
  process.on('message', async (message: Record<string, unknown>) => {
    if (typeof message.ask !== 'number') return
    const answered = message.ask
    try {
      const action = actions[String(message.action)]
      if (action === undefined) throw new TypeError(`no action ${String(message.action)}`)
      const result = await action(message.given as never)
      process.send?.({ answered, result })
    } catch (error) {
      process.send?.({ answered, error: String(error) })
    }
  })
  // What was sent before this was read by nobody.
  process.send?.({ ready: true })
}
