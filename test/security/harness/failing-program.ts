import { connect } from 'node:net'
import { serveActions } from './program-actions.js'

/* Does what a watched process must never do, so that it is shown to be seen. */

function burn(milliseconds: number): void {
  const start = process.cpuUsage()
  for (;;) {
    const { user, system } = process.cpuUsage(start)
    if (user + system > milliseconds * 1000) return
  }
}

serveActions({
  pollute() {
    Reflect.set(Object.prototype, 'polluted', true)
  },
  replace() {
    const { includes } = Array.prototype
    Reflect.set(Array.prototype, 'includes', function (this: unknown[], value: unknown) {
      return includes.call(this, value)
    })
  },
  warn: () => process.emitWarning('something to look at'),
  burn,
  connect: (port: number) =>
    new Promise<void>((resolve) => {
      connect({ port, host: '127.0.0.1' })
        .on('error', () => resolve())
        .on('connect', () => resolve())
    }),
  print: (text: string) => process.stderr.write(text),
  reject: () => void setImmediate(() => Promise.reject(new Error('nobody looks'))),
  fail: () => Promise.reject(new Error('on purpose')),
})
