interface Region {
  readonly oldFrom: number
  readonly oldTo: number
  readonly newFrom: number
  readonly newTo: number
}

const contextLines = 3

/**
 * A unified diff. Lines that occur once on both sides are the fixed points (patience diff), which suits
 * edits of whole entries and stays fast on large files; it need not be the shortest.
 *
 * @returns an empty string when nothing differs
 */
export function unifiedDiff(name: string, oldText: string, newText: string): string {
  if (oldText === newText) return ''
  const [oldLines, newLines] = [linesOf(oldText), linesOf(newText)]
  const regions = changedRegions(oldLines, newLines, {
    oldFrom: 0,
    oldTo: oldLines.length,
    newFrom: 0,
    newTo: newLines.length,
  })
  const hunks = joinNear(regions).map((group) => renderHunk(group, oldLines, newLines))
  return [`--- ${name}`, `+++ ${name}`, ...hunks].join('\n') + '\n'
}

function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function changedRegions(old: readonly string[], now: readonly string[], region: Region): Region[] {
  let { oldFrom, oldTo, newFrom, newTo } = region
  while (oldFrom < oldTo && newFrom < newTo && old[oldFrom] === now[newFrom]) {
    oldFrom += 1
    newFrom += 1
  }
  while (oldFrom < oldTo && newFrom < newTo && old[oldTo - 1] === now[newTo - 1]) {
    oldTo -= 1
    newTo -= 1
  }
  const rest = { oldFrom, oldTo, newFrom, newTo }
  if (oldFrom === oldTo || newFrom === newTo) return oldFrom === oldTo && newFrom === newTo ? [] : [rest]
  const fixed = fixedPoints(old, now, rest)
  if (fixed.length === 0) return [rest]
  const regions: Region[] = []
  let [oldAt, newAt] = [oldFrom, newFrom]
  for (const [oldLine, newLine] of [...fixed, [oldTo, newTo] as const]) {
    regions.push(
      ...changedRegions(old, now, { oldFrom: oldAt, oldTo: oldLine, newFrom: newAt, newTo: newLine }),
    )
    oldAt = oldLine + 1
    newAt = newLine + 1
  }
  return regions
}

/** Lines that are unique on both sides, in an order that both share. */
function fixedPoints(
  old: readonly string[],
  now: readonly string[],
  region: Region,
): (readonly [number, number])[] {
  const oldUnique = uniqueLines(old, region.oldFrom, region.oldTo)
  const newUnique = uniqueLines(now, region.newFrom, region.newTo)
  const points: (readonly [number, number])[] = []
  for (const [line, oldLine] of oldUnique) {
    const newLine = newUnique.get(line)
    // Greedy instead of the longest run: entries keep their order when a kubeconfig is edited.
    if (newLine !== undefined && newLine > (points.at(-1)?.[1] ?? -1)) points.push([oldLine, newLine])
  }
  return points
}

function uniqueLines(lines: readonly string[], from: number, to: number): Map<string, number> {
  const places = new Map<string, number>()
  const repeated = new Set<string>()
  for (let index = from; index < to; index += 1) {
    const line = lines[index] as string
    if (places.has(line)) repeated.add(line)
    places.set(line, index)
  }
  for (const line of repeated) places.delete(line)
  return places
}

/** Regions whose context lines would touch share a hunk. */
function joinNear(regions: readonly Region[]): Region[][] {
  const groups: Region[][] = []
  for (const region of regions) {
    const last = groups.at(-1)?.at(-1)
    if (last !== undefined && region.oldFrom - last.oldTo <= 2 * contextLines) groups.at(-1)?.push(region)
    else groups.push([region])
  }
  return groups
}

function renderHunk(group: readonly Region[], old: readonly string[], now: readonly string[]): string {
  const [first, last] = [group[0] as Region, group.at(-1) as Region]
  const before = Math.min(contextLines, first.oldFrom)
  const after = Math.min(contextLines, old.length - last.oldTo)
  const [oldFrom, newFrom] = [first.oldFrom - before, first.newFrom - before]
  const lines: string[] = []
  let at = oldFrom
  for (const region of group) {
    lines.push(...old.slice(at, region.oldFrom).map((line) => ` ${line}`))
    lines.push(...old.slice(region.oldFrom, region.oldTo).map((line) => `-${line}`))
    lines.push(...now.slice(region.newFrom, region.newTo).map((line) => `+${line}`))
    at = region.oldTo
  }
  lines.push(...old.slice(at, last.oldTo + after).map((line) => ` ${line}`))
  const range = (from: number, count: number): string => `${count === 0 ? from : from + 1},${count}`
  const oldCount = last.oldTo + after - oldFrom
  const newCount = last.newTo + after - newFrom
  return [`@@ -${range(oldFrom, oldCount)} +${range(newFrom, newCount)} @@`, ...lines].join('\n')
}
