import { endingLists } from '../domain/programs.ts'

/** @returns the text of `native/reaper/programs.h`: whom a lock never ends, by name. */
export function programsHeader(): string {
  const lists = Object.entries(endingLists).map(([name, list]) => table(name, list()))
  return [
    '/* Written by `npm run generate` from src/domain/programs.ts. Do not edit. */',
    '#ifndef KG_PROGRAMS_H',
    '#define KG_PROGRAMS_H',
    '',
    ...lists,
    '#endif',
    '',
  ].join('\n')
}

/** `sessionKeepers` becomes `session_keepers`; NULL ends it. */
function table(name: string, words: readonly string[]): string {
  const cName = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const rows = words.map((word) => `    ${JSON.stringify(word)},`)
  return [`static const char *const ${cName}[] = {`, ...rows, '    NULL,', '};', ''].join('\n')
}
