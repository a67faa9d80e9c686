const GENERATOR = 65537n

const SMALL_PRIMES = [
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
  79n,
  83n,
  89n,
  97n,
  101n,
  103n,
  107n,
  109n,
  113n,
  127n,
  131n,
  137n,
  139n,
  149n,
  151n,
  157n,
  163n,
  167n,
] as const

/** Tells whether a residue is a power of the generator modulo a small prime. */
function isPower(residue: bigint, prime: bigint): boolean {
  const step = GENERATOR % prime
  let power = 1n
  do {
    if (power === residue) return true
    power = (power * step) % prime
  } while (power !== 1n)
  return false
}

/**
 * Tells whether an RSA modulus has the fingerprint of the faulty key generator of CVE-2017-15361, whose
 * keys can be factored. Such a modulus is a power of 65537 modulo every small prime; a good one is with
 * a probability below 2^-25.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return SMALL_PRIMES.every((prime) => isPower(modulus % prime, prime))
}
