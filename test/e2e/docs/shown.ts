/**
 * Is this what a page shows? `…` stands for anything, alone on a line for any lines; any number for any number, and any
 * width of space for another: pids, times and columns differ.
 *
 * @returns the first line of the page that was not there; undefined where all were, and nothing else
 */
export function differenceFrom(page: readonly string[], output: string): string | undefined {
  const wanted = page.map((line) => line.trimEnd()).filter((line) => line !== '')
  const got = output
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
  let at = 0
  let mayPass = false
  for (const line of wanted) {
    if (line.trim() === '…') {
      mayPass = true
      continue
    }
    const pattern = patternOf(line)
    const found = mayPass ? got.findIndex((one, index) => index >= at && pattern.test(one)) : at
    if (found < 0 || !pattern.test(got[found] ?? '')) return line
    at = found + 1
    mayPass = false
  }
  return mayPass || at === got.length ? undefined : `(nothing more, but there was: ${got[at]})`
}

function patternOf(line: string): RegExp {
  const literal = line.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  const loose = literal
    .replaceAll(/\d+/g, String.raw`\d+`)
    .replaceAll(/ +/g, ' +')
    .replaceAll('…', '.*')
  return new RegExp(`^${loose}$`)
}
