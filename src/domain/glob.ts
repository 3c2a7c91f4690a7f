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

/**
 * Is there a name that both globs match? Every pair of positions is looked at once, row by row: a place in
 * the first glob, with all the places in the second that the same run of characters can lead to.
 */
export function globsOverlap(first: string, second: string): boolean {
  const a = Array.from(first)
  const b = Array.from(second)
  let row = new Uint8Array(b.length + 2)
  row[0] = 1
  for (const left of a) {
    const next = new Uint8Array(b.length + 2)
    stepRow(left, b, row, next)
    row = next
  }
  // What is left of the second glob must be able to stand for nothing.
  for (let j = 0; j < b.length; j += 1) if (row[j] === 1 && b[j] === '*') row[j + 1] = 1
  return row[b.length] === 1
}

/** A star may stand for nothing, or for whatever one character of the other glob stands for. */
function stepRow(left: string, b: readonly string[], row: Uint8Array, next: Uint8Array): void {
  for (let j = 0; j <= b.length; j += 1) {
    if (row[j] === 0) continue
    const right = b[j]
    if (left === '*') next[j] = 1
    if (right === '*' || (left === '*' && right !== undefined)) row[j + 1] = 1
    if (right === '*') next[j] = 1
    if (left !== '*' && (left === right || left === '?' || right === '?')) next[j + 1] = 1
  }
}

/**
 * Does the first glob match every name that the second one matches? It may say no where the answer is
 * yes. The second glob is taken for a name: only a star of the first can match a star of it, but a
 * question mark could too, so that a glob with one covers nothing but itself.
 */
export function globCovers(first: string, second: string): boolean {
  return first === second || (!first.includes('?') && globMatches(first, second))
}
