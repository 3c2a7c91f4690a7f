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
