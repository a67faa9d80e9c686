/** CPU time of one operation in microseconds, over `count` of them one after the other. */
export async function cpuOf(count, run) {
  const before = process.cpuUsage()
  for (let done = 0; done < count; done += 1) await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}
