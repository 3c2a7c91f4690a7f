import fc from 'fast-check'
import { stringify } from 'yaml'
import { damageBy, damaged } from '../damage.ts'

/** Names with what parsers, shells and terminals trip over. */
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  fc.constantFrom(
    'on',
    '0123',
    '1e3',
    'null',
    '~',
    '',
    'a: b',
    '- a',
    '#c',
    '*x',
    '&x',
    'ü漢',
    'a\u001b[2J',
    'a"b',
    "it's",
    '{a}',
    '<<',
  ),
)
const secret = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/),
  fc.constantFrom('two\nlines', ' led', 'a # b', 'yes'),
)
const user = fc.record(
  {
    'token': secret,
    'tokenFile': fc.constant('/no/such/file'),
    'client-key-data': fc.constant('a2V5'),
    'client-certificate-data': fc.constant('Y2VydA=='),
    'username': name,
    'password': secret,
    'as': name,
  },
  { requiredKeys: [] },
)
const config = fc.record({
  users: fc.uniqueArray(fc.record({ name, user }), {
    selector: (one) => one.name,
    minLength: 1,
    maxLength: 5,
  }),
  clusters: fc.uniqueArray(
    fc.record({ name, cluster: fc.record({ server: fc.constantFrom('https://h', 'http://h') }) }),
    {
      selector: (one) => one.name,
      maxLength: 3,
    },
  ),
})

const styles = fc.record({
  indent: fc.constantFrom(2, 4, 7),
  indentSeq: fc.boolean(),
  defaultStringType: fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL'),
  collectionStyle: fc.constantFrom('any', 'flow', 'block'),
} as const)

type Rewrite = (text: string) => string
const rewrites = fc.subarray<Rewrite>([
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => `\ufeff${text}`,
  (text) => text.trimEnd(),
  (text) => `# above\n\n${text}\n# below\n`,
  (text) => text.replaceAll(/^( *)(- )/gm, '$1# beside\n$1$2'),
  (text) => text.replaceAll(/(:) (?=[a-z])/g, '$1   '),
  (text) => text.replace(/user:\n/, 'user: &first\n'),
  (text) => `---\n${text}`,
])

const damage = damageBy(
  fc.constantFrom(
    '',
    '\t',
    '\0',
    '*first',
    '<<: ',
    '{',
    ']',
    '\n',
    ': ',
    '- ',
    '"',
    '|',
    '&a ',
    '\r',
    '%',
    '\ud83d',
  ),
)

/** Kubeconfigs as a person, a tool or an enemy might write them: most can be read, some can't. */
export const kubeconfigText = fc
  .tuple(
    config,
    styles,
    rewrites,
    fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(damage, { maxLength: 3 })),
    fc.boolean(),
  )
  .map(([{ users, clusters }, style, changes, damages, asJson]) => {
    const contexts = users.map((one, at) => ({ name: `c${at}`, context: { cluster: 'k', user: one.name } }))
    const value = { 'apiVersion': 'v1', 'kind': 'Config', clusters, contexts, 'current-context': 'c0', users }
    const plain = asJson
      ? `${JSON.stringify(value, undefined, style.indent)}\n`
      : stringify(value, { version: '1.1', lineWidth: 0, ...style })
    return damages.reduce(
      damaged,
      changes.reduce((text, change) => change(text), plain),
    )
  })
