import fc from 'fast-check'
import { stringify } from 'yaml'
import { damageBy, damaged } from '../damage.ts'

const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/),
  fc.constantFrom('default', '~', '<<', '1e3', 'x y'),
)
const duration = fc.oneof(
  fc.constantFrom('30s', '14m', '4h', '1h30m', '7d', '0s', '1m', '90m'),
  fc.constantFrom<unknown>(
    '',
    '15',
    15,
    -1,
    '999999999d',
    '1e3m',
    1e308,
    true,
    null,
    '14M',
    '1_000s',
    0x7fffffff,
  ),
)
const odd = fc.constantFrom<unknown>(
  'never',
  'allow',
  'auto',
  'off',
  'kill',
  'suspend',
  true,
  false,
  null,
  1,
  [],
  {},
)

const fields = fc.record(
  {
    idle: duration,
    lifetime: duration,
    warn: duration,
    finish: duration,
    suspendFor: duration,
    lockOutAfter: fc.oneof(fc.nat({ max: 20 }), odd),
    lockOutFor: duration,
    notify: odd,
    scope: fc.constantFrom<unknown>('user', 'terminal', 'host', 1),
    live: odd,
    holders: fc.constantFrom<unknown>('expire', 'end', 'yes'),
    hold: odd,
    absorb: odd,
    access: fc.constantFrom<unknown>('plugin', 'gateway', 'both'),
    materialize: odd,
    escape: fc.constantFrom<unknown>('^]', 'none', 'ctrl-]', 1),
    deny: fc.constantFrom<unknown>([], ['exec'], [{ verbs: ['delete'] }], 'exec', [null]),
    env: fc.constantFrom<unknown>({}, { A: 'b' }, ['A'], { A: 1 }),
    wipe: fc.constantFrom<unknown>([], ['~/.kube/cache'], ['/'], 'all'),
    onLock: fc.constantFrom<unknown>([], [['true']], ['true'], [{ run: ['true'] }]),
    impersonate: odd,
    nonsense: odd,
  },
  { requiredKeys: [] },
)
const policy = fc
  .tuple(
    fc.record({
      name,
      contexts: fc.array(fc.constantFrom('*', 'prod-*', 'a', '[x', '!b'), { minLength: 1, maxLength: 3 }),
    }),
    fields,
  )
  .map(([head, rest]) => {
    // Most fields of a random policy are wrong: few of them leave some that are right.
    return { ...head, ...Object.fromEntries(Object.entries(rest).slice(0, 3)) }
  })
const plainPolicy = fc.record(
  {
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/),
    contexts: fc.array(fc.constantFrom('*', 'prod-*', 'a'), { minLength: 1, maxLength: 2 }),
    idle: fc.constantFrom('1m', '5m', '14m', '1h'),
    lifetime: fc.constantFrom('2h', '8h', '1d'),
    live: fc.constantFrom('kill', 'suspend'),
    hold: fc.constantFrom('allow', 'never'),
  },
  { requiredKeys: ['name', 'contexts'] },
)

const bombs = fc.constantFrom(
  // Aliases of aliases: 10^9 words.
  `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((one, at) => `${one}: &${one} [${Array.from({ length: 10 }, () => `*${'abcdefgh'[at]}`).join(',')}]\n`).join('')}policies: *i\n`,
  `policies: ${'['.repeat(20_000)}`,
  `policies: ${'{a: '.repeat(5_000)}`,
  `${Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')}`,
  `policies: &p [*p]\n`,
  `${'- '.repeat(10_000)}x\n`,
  `policies: ${'9'.repeat(100_000)}\n`,
  `? ${'? '.repeat(3_000)}\n`,
  `policies: "${'\\u0000'.repeat(1_000)}"\n`,
  `%YAML 9.9\n%TAG ! x\n---\npolicies: !!binary |\n  ####\n`,
  `policies: !<tag:yaml.org,2002:js/function> x\n`,
)

const damage = damageBy(
  fc.oneof(
    fc.constantFrom(
      '',
      '\t',
      '\0',
      '*a',
      '&a ',
      '<<: *a',
      '{',
      ']',
      '\n',
      ': ',
      '- ',
      '"',
      '|',
      '\r',
      '%',
      '!!str ',
      '\ud83d',
      '---\n',
    ),
    fc.constantFrom('idle: 24h\n', '    idle: 1m\n', '...\n', '#', '\u2028', '\ufeff', '0o17', '.inf', '[['),
  ),
)

const document = fc
  .record({
    apiVersion: fc.oneof(
      { weight: 8, arbitrary: fc.constant('kubeguard.dev/v1') },
      fc.constantFrom('v1', 'kubeguard.dev/v2'),
    ),
    policies: fc.oneof(
      fc.uniqueArray(plainPolicy, { minLength: 1, maxLength: 4, selector: (one) => one.name }),
      fc.array(policy, { minLength: 1, maxLength: 3 }),
    ),
  })
  .map((value) => stringify(value, { lineWidth: 0 }))

/** Policy files as a person in a hurry, or an enemy, writes them. */
export const policyText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc
      .tuple(document, fc.oneof(fc.constant([]), fc.array(damage, { maxLength: 3 })))
      .map(([text, damages]) => damages.reduce(damaged, text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(bombs, document, fc.boolean())
      .map(([bomb, text, first]) => (first ? bomb + text : text + bomb)),
  },
)
