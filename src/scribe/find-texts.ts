/** Characters that are compared at once: no text that is looked for is shorter. */
export const leastSearched = 8

const buckets = 1 << 16

/**
 * Where each of many texts first occurs in a long one, in one pass (Rabin and Karp): a file of thousands of
 * secrets must not be read thousands of times.
 *
 * @param wanted each at least `leastSearched` long
 * @returns offsets of those that occur
 */
export function findTexts(text: string, wanted: readonly string[]): Map<string, number> {
  const found = new Map<string, number>()
  const byHash = groupByHash(wanted)
  if (byHash.size === 0) return found
  const mayOccur = new Uint8Array(buckets)
  for (const hash of byHash.keys()) mayOccur[hash & (buckets - 1)] = 1
  let hash = 0
  for (let end = 0; end < text.length; end += 1) {
    const leaving = end < leastSearched ? 0 : text.charCodeAt(end - leastSearched)
    hash = (Math.imul(hash - Math.imul(leaving, oldestWeight), weight) + text.charCodeAt(end)) | 0
    if (end < leastSearched - 1 || mayOccur[hash & (buckets - 1)] === 0) continue
    const at = end - leastSearched + 1
    for (const one of byHash.get(hash) ?? [])
      if (!found.has(one) && text.startsWith(one, at)) found.set(one, at)
  }
  return found
}

const weight = 16_777_619

/** The weight of the character that leaves: `weight` to the power of `leastSearched - 1`. */
const oldestWeight = Array.from({ length: leastSearched - 1 }).reduce<number>(
  (power) => Math.imul(power, weight),
  1,
)

function groupByHash(wanted: readonly string[]): Map<number, string[]> {
  return Map.groupBy(new Set(wanted), (one) => {
    let hash = 0
    for (let at = 0; at < leastSearched; at += 1) hash = (Math.imul(hash, weight) + one.charCodeAt(at)) | 0
    return hash
  })
}
