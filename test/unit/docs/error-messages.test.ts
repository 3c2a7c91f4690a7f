import { expect, test } from 'vitest'
import { messagesOfC, messagesOfTypeScript, messageTable } from '../../../scripts/error-messages.ts'
import { errorCatalogue } from '../../../src/domain/errors.ts'

test('a message is found with its code and cure; what is known later is left open', () => {
  const found = messagesOfTypeScript(`
    throw new GuardError('locked', \`\${policy.name({ a: 1 })} is locked\`)
    new GuardError(
      'usage',
      'it\\'s | wrong',
      { cause, cure: \`run: kubeguard \${name} --help\` },
    )
    new GuardError('vault-missing', 'there is none', chosen === undefined ? {} : { cure: chosen })
    new GuardError('locked', why) && new GuardError('locked', \`\${why}\`) && new GuardError('no-code', 'x')
    new GuardError('locked', 'one' + other)`)
  expect(found).toEqual([
    { code: 'locked', message: '… is locked', cure: errorCatalogue.locked.cure },
    { code: 'usage', message: "it's | wrong", cure: 'run: kubeguard … --help' },
    { code: 'vault-missing', message: 'there is none', cure: undefined },
  ])
  expect(messageTable(found).split('\n').slice(2)).toEqual([
    `| … is locked | \`locked\` | ${errorCatalogue.locked.cure} |`,
    "| it's \\| wrong | `usage` | run: kubeguard … --help |",
    '| there is none | `vault-missing` | … |',
  ])
})

test('so are those of the native programs', () => {
  const source = `fail(KG_EXIT_USAGE, "too long", "pass less");
    fail_about(KG_EXIT_PLACE_UNSAFE, path, "is "
      "open", KG_CURE_PLACE_UNSAFE);`
  expect(messagesOfC(source)).toEqual([
    { code: 'usage', message: 'too long', cure: 'pass less' },
    { code: 'place-unsafe', message: '… is open', cure: errorCatalogue['place-unsafe'].cure },
  ])
})
