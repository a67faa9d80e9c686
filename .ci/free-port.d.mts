/** A port of 127.0.0.1 that nobody uses, another one each time. */
export function findFreePort(): Promise<number>
