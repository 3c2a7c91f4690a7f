/**
 * Our line in a shell's start-up file, as text alone. Files are taken as latin1, one character for one byte: what is
 * not ours goes through unchanged, whatever its encoding and its line ends.
 */

/** By this the line is found again, whatever path stands in it. */
const mark = '# kubeguard: kubectl with a time limit'

/** With the newline that was put before it, and the line below it. */
const block = new RegExp(
  String.raw`(^|\n)${mark}\r?\n(?:(?:source|\[ -z "\$\{BASH_VERSION-\}" \] \|\| \.) '[^\n]*kubeguard\.(?:zsh|bash|fish)'\r?(?:\n|$))?`,
)

export type HookState = 'missing' | 'present' | 'other'

/** @returns what of a text is ours; nothing where our line is not in it. */
export const hookText = (text: string): string => block.exec(text)?.[0] ?? ''

/** Is the line there, not there, or there with another path (an older installation)? */
export function hookStateOf(text: string, line: string): HookState {
  const found = block.exec(text)
  if (found === null) return 'missing'
  const again = block.test(text.replace(block, ''))
  return !again && found[0].endsWith(`${mark}\n${line}\n`) ? 'present' : 'other'
}

/**
 * Puts the line at the end, where nothing comes later that would undo it; but before a line that leaves the file for
 * good (`return`, `exec fish`). Line ends are always LF: no shell takes a CR for anything but a part of the line.
 * @param where `top`: before everything else.
 */
export function withHook(text: string, line: string, where: 'end' | 'top' = 'end'): string {
  const rest = withoutHook(text)
  const at = where === 'top' ? 0 : (leavesAt(rest) ?? rest.length)
  const before = rest.slice(0, at)
  return `${before}${before === '' ? '' : '\n'}${mark}\n${line}\n${rest.slice(at)}`
}

/** Takes the line out again: what `withHook` was given, byte for byte, where nobody else changed it. */
export function withoutHook(text: string): string {
  const found = block.exec(text)
  if (found === null) return text
  const before = text.slice(0, found.index)
  const after = text.slice(found.index + found[0].length)
  // A last line without its end, and somebody has written more behind ours since.
  const joint = before !== '' && !before.endsWith('\n') && after !== '' ? '\n' : ''
  return withoutHook(before + joint + after)
}

/**
 * Where the first line begins by which an interactive shell leaves the file: unconditional, as far as can be seen
 * without running it. One that is indented, or stands in a function, a heredoc or a condition, is none.
 */
function leavesAt(text: string): number | undefined {
  let at = 0
  for (const line of text.split('\n')) {
    if (/^(return|exit)\b[^|&]*$|^exec\s+[^\s<>&{\d-]/.test(line)) return at
    at += line.length + 1
  }
  return undefined
}
