import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { beforeEach, inject } from 'vitest'
import { readGroup } from './groups.mjs'

const { slow = [] } = readGroup()

// A second of one test is minutes for hundreds of mutants.
beforeEach(({ task, skip }) => {
  if (slow.some((title) => task.name.startsWith(title))) skip()
})

const { generateKeyPairSync } = crypto

/** Hands out each of the keys of `keys.mjs` once in a test file, and then makes new ones. */
function takeKeyPair(type, options) {
  const isPlain = type === 'rsa' && Object.keys(options).length === 1
  const isKept = isPlain && options.modulusLength === 2048
  const pem = isKept ? crypto.generateKeyPairSync.left.pop() : undefined
  if (pem === undefined) return generateKeyPairSync(type, options)
  const privateKey = crypto.createPrivateKey(pem)
  return { privateKey, publicKey: crypto.createPublicKey(privateKey) }
}

// Test files share a process, and each runs this file again.
if (generateKeyPairSync.left === undefined) {
  crypto.generateKeyPairSync = takeKeyPair
  syncBuiltinESMExports()
}
crypto.generateKeyPairSync.left = [...inject('rsaKeys')]
