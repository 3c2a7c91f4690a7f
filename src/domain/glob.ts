/**
 * Does a glob match the whole of a name? `*` is any run of characters (`/`, `:` and `.` included: an
 * EKS context is an ARN), `?` exactly one; everything else is itself, upper and lower case apart.
 * Linear in pattern times name, so that no pattern can stall the daemon.
 */
export function globMatches(glob: string, name: string): boolean {
  const pattern = Array.from(glob)
  const text = Array.from(name)
  let star = -1
  let resumeAt = 0
  let at = 0
  let index = 0
  while (index < text.length) {
    if (pattern[at] === '*') {
      star = at
      resumeAt = index
      at += 1
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[index])) {
      at += 1
      index += 1
    } else if (star >= 0) {
      at = star + 1
      resumeAt += 1
      index = resumeAt
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}

/** Is there a name that both globs match? Every pair of positions is looked at once. */
export function globsOverlap(first: string, second: string): boolean {
  const a = Array.from(first)
  const b = Array.from(second)
  const seen = new Set<number>()
  const pending: [number, number][] = [[0, 0]]
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [i, j] = pair
    if (i === a.length && j === b.length) return true
    const key = i * (b.length + 1) + j
    if (seen.has(key)) continue
    seen.add(key)
    pending.push(...nextPairs(a, b, i, j))
  }
  return false
}

function nextPairs(a: readonly string[], b: readonly string[], i: number, j: number): [number, number][] {
  const [left, right] = [a[i], b[j]]
  const next: [number, number][] = []
  // A star may stand for nothing, or for whatever one character of the other glob stands for.
  if (left === '*') next.push([i + 1, j])
  if (right === '*') next.push([i, j + 1])
  if (left === undefined || right === undefined) return next
  if (left === '*' && right !== '*') next.push([i, j + 1])
  if (right === '*' && left !== '*') next.push([i + 1, j])
  const same = left === right || left === '?' || right === '?'
  if (left !== '*' && right !== '*' && same) next.push([i + 1, j + 1])
  return next
}

/**
 * Does the first glob match every name that the second one matches? It may say no where the answer is
 * yes. The second glob is taken for a name: only a star of the first can match a star of it, but a
 * question mark could too, so that a glob with one covers nothing but itself.
 */
export function globCovers(first: string, second: string): boolean {
  return first === second || (!first.includes('?') && globMatches(first, second))
}
