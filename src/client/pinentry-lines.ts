import type { Readable } from 'node:stream'

export interface Answer {
  readonly ok: boolean
  /** What came before it in `D` lines, unescaped; the caller zeroes it. */
  readonly data: Buffer
  /** Of an ERR line: libgpg-error's number, without its source. */
  readonly code: number
}

/** A line of the protocol has 1000 bytes (Assuan manual, "Server responses"). */
const mostBytes = 4_096
const lineEnd = 0x0a
const percent = 0x25
const sourceBits = 0xffff

/** Text for an argument of a command: the protocol ends a line at its end, and reads % as the begin of an escape. */
export function escaped(text: string): string {
  return text.replace(/[%\p{Cc}]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

/** What a pinentry answers, one answer for each command. Bytes are zeroed once they were read. */
export class AssuanLines {
  #rest: Buffer = Buffer.alloc(0)
  #data: Buffer = Buffer.alloc(0)
  #waiting: ((answer: Answer) => void) | undefined
  readonly #answers: Answer[] = []

  constructor(from: Readable) {
    from.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** The next answer: an `OK` or `ERR` line, with the data before it. */
  answer(): Promise<Answer> {
    const known = this.#answers.shift()
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  #take(chunk: Buffer): void {
    const all = Buffer.concat([this.#rest, chunk])
    this.#rest.fill(0)
    chunk.fill(0)
    let from = 0
    for (let end = all.indexOf(lineEnd); end >= 0; end = all.indexOf(lineEnd, from)) {
      this.#read(all.subarray(from, end))
      from = end + 1
    }
    this.#rest = Buffer.from(all.subarray(from).subarray(0, mostBytes))
    all.fill(0)
  }

  #read(line: Buffer): void {
    const word = line.subarray(0, 4).toString('latin1')
    if (word.startsWith('D ')) return this.#add(unescaped(line.subarray(2)))
    const isError = word.startsWith('ERR ')
    // Comments and status lines are not for us; a question of its own (INQUIRE) is for nobody here.
    if (!isError && !/^OK( |$)/.test(word.slice(0, 3))) return
    const code = isError ? Number.parseInt(line.subarray(4).toString('latin1'), 10) & sourceBits : 0
    const answer = { ok: !isError, data: this.#data, code }
    this.#data = Buffer.alloc(0)
    if (this.#waiting === undefined) this.#answers.push(answer)
    else this.#waiting(answer)
    this.#waiting = undefined
  }

  #add(part: Buffer): void {
    const before = this.#data
    this.#data = Buffer.concat([before, part]).subarray(0, mostBytes)
    before.fill(0)
    part.fill(0)
  }
}

function unescaped(line: Buffer): Buffer {
  const plain = Buffer.alloc(line.length)
  let length = 0
  for (let at = 0; at < line.length; at += 1) {
    const isEscape = line[at] === percent && /^[0-9a-f]{2}$/i.test(line.toString('latin1', at + 1, at + 3))
    plain[length] = isEscape
      ? Number.parseInt(line.toString('latin1', at + 1, at + 3), 16)
      : (line[at] as number)
    length += 1
    if (isEscape) at += 2
  }
  return plain.subarray(0, length)
}
