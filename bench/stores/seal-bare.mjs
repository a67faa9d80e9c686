import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'

const OPTIONS = { authTagLength: 16 }

/** One AES-256-GCM operation under one key, bound to a name: the least that an encrypted store needs. */
export function createBareCipher() {
  const key = createSecretKey(randomBytes(32))
  return {
    seal(name, plaintext) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, iv, OPTIONS)
      cipher.setAAD(Buffer.from(name))
      const ciphertext = cipher.update(plaintext)
      cipher.final()
      return Buffer.concat([iv, ciphertext, cipher.getAuthTag()])
    },
    open(name, sealed) {
      const end = sealed.length - 16
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), OPTIONS)
      decipher.setAAD(Buffer.from(name))
      decipher.setAuthTag(sealed.subarray(end))
      const plaintext = decipher.update(sealed.subarray(12, end), undefined, 'utf8')
      return plaintext + decipher.final('utf8')
    },
  }
}
