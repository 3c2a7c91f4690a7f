import { errorCatalogue } from '../domain/errors.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Field, Fields } from './fields.ts'
import { headerBytes } from './frame.ts'
import { limits } from './limits.ts'
import { errorFields, errorId, messages, protocolVersion, replyBit } from './messages.ts'

/**
 * What is generated from the protocol: the C header that the native binary is built with, and the page
 * that people read. `npm run generate` writes both; a test holds them to what is written here.
 */

type Definition = (typeof messages)[keyof typeof messages]

const definitions = Object.entries(messages) as [string, Definition][]

/** The messages that the native binary speaks: the header holds these alone. */
const nativeMessages = ['gate.check', 'credential.issue'].concat(
  ['issue', 'fetch', 'share', 'deliver'].map((name) => `keeper.${name}`),
  ['begin', 'wait', 'report'].map((name) => `supervisor.${name}`),
  ['watch', 'forget', 'spare', 'live', 'end'].map((name) => `reaper.${name}`),
  'screen.follow',
)

/** The failures that the native binary finds by itself, without an answer to quote. */
const nativeErrors: readonly ErrorCode[] = [
  'locked',
  'daemon-unreachable',
  'version-mismatch',
  'protocol-error',
  'place-unsafe',
  'ticket-refused',
  'program-missing',
  'live-ended',
  'usage',
]

const upper = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[.-]/g, '_')
    .toUpperCase()

const hex = (id: number): string => `0x${id.toString(16).padStart(4, '0')}`

const define = (name: string, value: string | number): string => `#define KG_${name} ${value}`

/** @returns the text of `native/protocol.h`. */
export function protocolHeader(): string {
  const spoken = definitions.filter(([name]) => nativeMessages.includes(name))
  const lines = [
    '/* Written by `npm run generate` from src/protocol and src/domain/errors.ts. Do not edit. */',
    '#ifndef KG_PROTOCOL_H',
    '#define KG_PROTOCOL_H',
    '',
    define('PROTOCOL_VERSION', protocolVersion),
    define('HEADER_BYTES', headerBytes),
    define('FIELD_HEADER_BYTES', 5),
    define('UINT_BYTES', 8),
    ...Object.entries(limits).map(([name, value]) => define(`LIMIT_${upper(name)}`, value)),
    ...spoken.flatMap(([name, definition]) => ['', ...messageDefines(upper(name), definition)]),
    '',
    define('ERROR', hex(errorId)),
    ...fieldDefines('ERROR', errorFields),
    ...limitTable('ERROR', errorFields),
    '',
    ...nativeErrors.flatMap(errorDefines),
    '',
    '#endif',
  ]
  return lines.join('\n') + '\n'
}

function messageDefines(name: string, { id, route, request, reply }: Definition): string[] {
  return [
    define(name, hex(id)),
    ...fieldDefines(name, request),
    ...(route === 'daemon>reaper' ? limitTable(name, request) : []),
    define(`${name}_REPLY`, hex(id | replyBit)),
    ...fieldDefines(`${name}_REPLY`, reply),
    ...limitTable(`${name}_REPLY`, reply),
  ]
}

function fieldDefines(prefix: string, fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, field]) => [
    define(`${prefix}_${upper(name)}`, field.tag),
    define(`${prefix}_${upper(name)}_MAX`, mostBytes(field)),
  ])
}

/** The limits by tag, for a table in C; 0 also stands for "no such field". */
function limitTable(prefix: string, fields: Fields): string[] {
  const byTag = new Map(Object.values(fields).map((field) => [field.tag, mostBytes(field)]))
  const tags = Math.max(0, ...byTag.keys()) + 1
  const table = Array.from({ length: tags }, (_, tag) => byTag.get(tag) ?? 0)
  return [define(`${prefix}_TAGS`, tags), define(`${prefix}_LIMITS`, `{ ${table.join(', ')} }`)]
}

function mostBytes(field: Field): number {
  if (field.kind === 'flag') return 0
  return field.kind === 'uint' ? 8 : field.max
}

function errorDefines(code: ErrorCode): string[] {
  const { exitCode, cure } = errorCatalogue[code]
  return [define(`EXIT_${upper(code)}`, exitCode), define(`CURE_${upper(code)}`, JSON.stringify(cure))]
}

const framing = `# The protocol

Written by \`npm run generate\` from \`src/protocol\`; do not edit.

kubeguard's processes talk over Unix stream sockets. The daemon's is found through \`state/daemon.lock\`, whose
content is the socket's path and a line end. Both sides check the other's uid (\`SO_PEERCRED\`, unix(7)) and refuse
any but their own.

## Frames

All numbers are big-endian. A frame is a header of ${headerBytes} bytes and a body:

| bytes | what |
| --- | --- |
| 4 | length of the body |
| 2 | protocol version, now ${protocolVersion} |
| 2 | message id; a reply carries its request's id with bit 15 set |

A body is a run of fields:

| bytes | what |
| --- | --- |
| 1 | tag: which field of the message |
| 4 | length of the value |
| … | the value |

| kind | value |
| --- | --- |
| \`text\` | UTF-8 without NUL |
| \`bytes\` | anything: paths and arguments are bytes on Linux |
| \`textList\`, \`bytesList\` | the tag repeated once per element, in order; none for an empty list |
| \`uint\` | eight bytes, at most 2^53 − 1 |
| \`flag\` | no bytes; present means true |
| \`secret\` | bytes that no log and no error may show |
| \`json\` | a JSON document; \`src/protocol/reports.ts\` says which |

A field that is not in the message, that is longer than its limit, that is given twice without being a list, or that
is missing without being optional makes the frame unreadable. An unreadable frame costs its sender the connection:
an error reply where one can still be sent, then the end.

On one connection requests are answered in order, one reply each. Client and daemon never send one another
anything else. The reaper answers \`reaper.end\` out of turn.

## Versions

The version is one integer, raised whenever a message changes in a way that an older peer would misread. A peer
of another version is refused with an error reply (\`version-mismatch\`), whose layout is the same in every version; so
either side can say what is wrong and how to go on.
`

/** @returns the text of `docs/protocol.md`. */
export function protocolPage(): string {
  return [framing, limitsSection(), messagesSection(), errorSection()].join('\n')
}

function limitsSection(): string {
  const rows = Object.entries(limits).map(([name, value]) => `| \`${name}\` | ${unit(name, value)} |`)
  return ['## Limits', '', '| limit | value |', '| --- | --- |', ...rows, ''].join('\n')
}

function unit(name: string, value: number): string {
  if (name.endsWith('Ms')) return `${value / 1000} s`
  return name.endsWith('Bytes') ? size(value) : String(value)
}

function size(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${bytes / 1024 / 1024} MiB`
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} bytes`
}

function messagesSection(): string {
  const rows = definitions.map(
    ([name, { id, route, needsUnlocked, mayShowPresence }]) =>
      `| [\`${name}\`](#${name.replace('.', '')}) | ${id} | ${way(route)} | ${yes(needsUnlocked)} | ${yes(mayShowPresence)} |`,
  )
  const table = [
    '| message | id | from > to | needs an unlocked session | may show presence |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ]
  return ['## Messages', '', ...table, '', ...definitions.map(messageSection)].join('\n')
}

const way = (route: string): string => route.replace('>', ' > ')

const yes = (is: boolean): string => (is ? 'yes' : '')

function messageSection([name, definition]: [string, Definition]): string {
  const { id, about, route, request, reply } = definition
  const answered = ['told' in definition ? 'No reply.' : `Reply, id ${hex(id | replyBit)}:`, '']
  return [
    `### ${name}`,
    '',
    `${about} ${sentence(route)}`,
    '',
    `Request, id ${hex(id)}:`,
    '',
    fieldTable(request),
    '',
    ...answered,
    ...('told' in definition ? [] : [fieldTable(reply), '']),
  ].join('\n')
}

function sentence(route: string): string {
  const [from, to] = route.split('>')
  return `Sent by the ${from} to the ${to}.`
}

function fieldTable(fields: Fields): string {
  const rows = Object.entries(fields).map(
    ([name, field]) =>
      `| ${field.tag} | \`${name}\` | ${field.kind} | ${presence(field)} | ${limit(field)} | ${field.about} |`,
  )
  if (rows.length === 0) return 'No fields.'
  return ['| tag | field | kind | | at most | |', '| --- | --- | --- | --- | --- | --- |', ...rows].join('\n')
}

function presence(field: Field): string {
  if (field.kind === 'flag' || field.kind.endsWith('List')) return ''
  return field.optional ? 'optional' : 'required'
}

const limit = (field: Field): string =>
  field.kind === 'flag' || field.kind === 'uint' ? '' : size(field.max)

function errorSection(): string {
  return [
    '## The error reply',
    '',
    `Any request may be answered by an error, id ${hex(errorId)}, after which the connection ends.`,
    'The codes are those of `docs/errors.md`.',
    '',
    fieldTable(errorFields),
    '',
  ].join('\n')
}
