const [tab, lineFeed, carriageReturn, space, del] = [0x09, 0x0a, 0x0d, 0x20, 0x7f]
/** The first byte in UTF-8 of the controls that begin sequences, too (ECMA-48, C1). */
const beforeC1 = 0xc2
const lineEnd = '\r\n'

/** What is shorter is fed as it is: looking at it would cost more. */
const leastBytes = 64 * 1024

/** A part of what a program wrote, from `begin` to before `end`. */
export interface Part {
  readonly begin: number
  readonly end: number
}

/** By byte: each one of a flood is looked up. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= space
    ? Number(byte !== del && byte !== beforeC1)
    : Number(byte === lineFeed || byte === carriageReturn || byte === tab),
)

/** The next long part that holds text, tabs and line ends alone: no control that sets anything. */
export function nextPlain(bytes: Buffer, from: number): Part | undefined {
  for (let begin = from; begin + leastBytes <= bytes.length;) {
    let end = begin
    while (isPlain[bytes[end] ?? del] === 1) end += 1
    if (end - begin >= leastBytes) return { begin, end }
    begin = end + 1
  }
  return undefined
}

/**
 * Of plain lines that scroll, the last ones alone are ever seen. Once as many lines as `kept` have come and each began in
 * the first column, nothing is left of the lines before, wherever the cursor was.
 * @returns where such lines may be left out: behind the first line end, up to that of the line before the last ones
 */
export function scrolledOut(bytes: Buffer, { begin, end }: Part, kept: number): Part | undefined {
  const first = bytes.indexOf(lineEnd, begin, 'latin1')
  if (first < 0 || first >= end) return undefined
  let last = end
  for (let lines = 0; lines <= kept; lines += 1) {
    last = bytes.lastIndexOf(lineEnd, last - 1, 'latin1')
    if (last <= first) return undefined
  }
  return { begin: first + lineEnd.length, end: last + lineEnd.length }
}
