import { hostname, userInfo } from 'node:os'

/** Why a new passphrase won’t do, and what would be better. */
export interface Weakness {
  readonly wrong: string
  readonly better: string
}

const leastCharacters = 10
const leastDifferent = 5

/**
 * zxcvbn's scale is 0 to 4; 3 takes at least 10^8 guesses. At 0.3 s and 128 MiB for each (scrypt-stanza.ts) that is a
 * year of one core's work, for somebody who guesses as cleverly as zxcvbn.
 */
const leastScore = 3

/** zxcvbn looks at no more anyway; what is longer is not weaker. */
const mostLookedAt = 256

const words = 'choose another one, such as four or more random words'

/**
 * The vault's key is as strong as the passphrase against somebody who took the file. What is easily told is told by the
 * bytes. The rest is zxcvbn's to say, which takes a string, and a string can't be erased: this process is hardened, lives
 * for one command, and is told of a passphrase that is not in use yet.
 * @returns undefined where it will do
 */
export async function weaknessOf(passphrase: Buffer): Promise<Weakness | undefined> {
  const wrong = plainWeakness(passphrase)
  if (wrong !== undefined) return { wrong, better: words }
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const estimate = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: mostLookedAt })
  const { score, feedback } = estimate.check(passphrase.toString(), personalWords())
  if (score >= leastScore) return undefined
  return {
    wrong: `this passphrase is easy to guess: ${reasons[feedback.warning ?? ''] ?? 'too few words or characters that nobody would expect'}`,
    better: words,
  }
}

/** What a guesser tries first who knows the machine. */
function personalWords(): string[] {
  const own = ['kubeguard', 'kubectl', 'kubernetes', 'k8s', hostname()]
  try {
    return [...own, userInfo().username]
  } catch {
    return own
  }
}

function plainWeakness(passphrase: Buffer): string | undefined {
  // A UTF-8 character has exactly one byte that is no continuation (0b10xxxxxx).
  const characters = passphrase.reduce((count, byte) => count + ((byte & 0xc0) === 0x80 ? 0 : 1), 0)
  if (characters < leastCharacters) return `a passphrase has at least ${leastCharacters} characters`
  if (new Set(passphrase).size < leastDifferent) return 'this passphrase repeats too few characters'
  return isRun(passphrase) ? 'this passphrase is a mere sequence' : undefined
}

/** `abcdefghij`, `9876543210`: each step the same. */
function isRun(bytes: Buffer): boolean {
  const step = (bytes[1] ?? 0) - (bytes[0] ?? 0)
  return bytes.every((byte, index) => index === 0 || byte - (bytes[index - 1] ?? 0) === step)
}

/** zxcvbn's names of what is wrong, in words that end the sentence. */
const reasons: Readonly<Record<string, string>> = {
  straightRow: 'a row of the keyboard',
  keyPattern: 'a pattern on the keyboard',
  simpleRepeat: 'one character again and again',
  extendedRepeat: 'the same again and again',
  sequences: 'a sequence such as abc or 4321',
  recentYears: 'a year of our time',
  dates: 'a date',
  topTen: 'one of the ten passwords that people use most',
  topHundred: 'one of the hundred passwords that people use most',
  common: 'a password that many people use',
  similarToCommon: 'close to a password that many people use',
  wordByItself: 'a single word',
  namesByThemselves: 'a name',
  commonNames: 'common names',
  userInputs: 'your account, this machine or kubeguard by name',
}
