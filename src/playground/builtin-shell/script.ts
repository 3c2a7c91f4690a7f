/** One command of a script: its words, where its output goes, and when it runs. */
export interface Command {
  readonly words: readonly Word[]
  /** `>&2` was given. */
  readonly toError: boolean
  /** What the exit code before it must be: `&&` wants success, `||` failure. */
  readonly runsAfter: 'any' | 'success' | 'failure'
}

/** A word in pieces, so that `$NAME` is resolved when the command runs, and not inside single quotes. */
export type Word = readonly { readonly text: string; readonly expands: boolean }[]

/** Why a script can't be run. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
}

type Token = { readonly operator: string } | { readonly word: Word }

const mostCommands = 1000
const operatorPattern = /&&|\|\||;|\n|[12]?>&2/y
const piecePattern = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^\s;&|<>()`'"\\]+)/sy

/**
 * Reads the small language of the built-in shell: words with quotes and `$NAME`, `;`, `&&`, `||`, `>&2`, comments.
 * @throws ScriptError for anything else, such as pipes, loops and files.
 */
export function parseScript(script: string): Command[] {
  const commands: Command[] = []
  let words: Word[] = []
  let toError = false
  let runsAfter: Command['runsAfter'] = 'any'
  for (const token of [...tokens(script), { operator: '\n' }]) {
    if ('word' in token) {
      words.push(token.word)
    } else if (token.operator.endsWith('>&2')) {
      toError = true
    } else if (words.length > 0) {
      commands.push({ words, toError, runsAfter })
      words = []
      toError = false
      runsAfter = runsAfterOf(token.operator)
    } else if (token.operator !== '\n') {
      throw new ScriptError(`syntax error: unexpected "${token.operator}"`)
    }
  }
  if (commands.length > mostCommands) throw new ScriptError('the script is too long')
  return commands
}

/** @returns a word's text; `valueOf` gives that of a variable, and of `?`. */
export function expand(word: Word, valueOf: (name: string) => string): string {
  const resolve = (text: string): string =>
    text.replace(/\$(?:\{(\w+)\}|(\w+|\?))/g, (_, braced: string | undefined, bare: string) =>
      valueOf(braced ?? bare),
    )
  return word.map(({ text, expands }) => (expands ? resolve(text) : text)).join('')
}

function runsAfterOf(operator: string): Command['runsAfter'] {
  if (operator === '&&') return 'success'
  return operator === '||' ? 'failure' : 'any'
}

function* tokens(script: string): Generator<Token> {
  let offset = 0
  while (offset < script.length) {
    offset += matchAt(/[^\S\n]*(?:#[^\n]*)?/y, script, offset)![0].length
    if (offset >= script.length) return
    const operator = matchAt(operatorPattern, script, offset)?.[0]
    if (operator !== undefined) {
      offset += operator.length
      yield { operator }
      continue
    }
    const { word, length } = readWord(script, offset)
    if (length === 0) throw new ScriptError(`the playground's shell has no "${script[offset]}"`)
    offset += length
    yield { word }
  }
}

function readWord(script: string, start: number): { word: Word; length: number } {
  const word: { text: string; expands: boolean }[] = []
  let offset = start
  for (
    let piece = matchAt(piecePattern, script, offset);
    piece !== null;
    piece = matchAt(piecePattern, script, offset)
  ) {
    const [whole, single, double, escaped, bare] = piece
    offset += whole.length
    if (single !== undefined) word.push({ text: single, expands: false })
    else if (double !== undefined) word.push({ text: double.replace(/\\(["\\$])/g, '$1'), expands: true })
    else if (escaped !== undefined) word.push({ text: escaped, expands: false })
    else word.push({ text: bare!, expands: true })
  }
  return { word, length: offset - start }
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset
  return pattern.exec(text)
}
