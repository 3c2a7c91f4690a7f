import { describe, expect, test } from 'vitest'
import { defaultPolicy } from '../../../src/domain/default-policies.ts'
import { formatDuration, parseDuration } from '../../../src/domain/duration.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { policyKeys } from '../../../src/domain/policy-fields.ts'
import { strictest } from '../../../src/domain/tighten-policies.ts'
import { blocksOf, readPage } from '../../fixtures/pages.ts'
import { mistakesIn, policyOf } from './policy-example.ts'

const page = 'docs/policy.md'
const head = '| type | unless said | of two files | checked by |\n| --- | --- | --- | --- |\n'

/** One section of the page: what it says of a field. */
interface Section {
  readonly name: string
  readonly type: string
  readonly usual: string
  readonly ofTwo: string
  readonly example: string
  readonly text: string
}

const sections = readPage(page)
  .split(/^### (?=`)/m)
  .slice(1)
  .map((text): Section => {
    const [name = ''] = /(?<=^`)\w+(?=`)/.exec(text) ?? []
    const row = text.slice(text.indexOf(head) + head.length).split('\n')[0] ?? ''
    const [type = '', usual = '', ofTwo = ''] = row.replaceAll(/^\| | \|$/g, '').split(' | ')
    const examples = blocksOf(`${page}, ${name}`, text).filter(({ language }) => language === 'yaml')
    return { name, type, usual, ofTwo, example: examples.at(-1)?.lines.join('\n') ?? '', text }
  })

const marked = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, one = '']) => one)

/** What a policy has for a field, as a policy file says it. */
function valueOf(policy: Policy, name: string): unknown {
  const times = policy as unknown as Record<string, unknown>
  if (times[`${name}Ms`] !== undefined) return formatDuration(times[`${name}Ms`] as number)
  if (name === 'unlock') return policy.unlock.map(({ factor }) => factor)
  if (name === 'credential') return policy.ephemeral === undefined ? 'vault' : 'ephemeral'
  if (name === 'pinentry') return policy.pinentry === '' ? 'off' : policy.pinentry
  return times[name]
}

const asText = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean)

test('there is a section for each field of a policy, and for nothing else', () => {
  expect(sections.map(({ name }) => name).toSorted()).toEqual([...policyKeys].toSorted())
})

describe.each(sections)('$name', ({ name, type, usual, ofTwo, example, text }) => {
  test('has an example that says it, and that the reader takes', () => {
    expect(text).toContain(head)
    expect(example).toMatch(new RegExp(`^${name}:`, 'm'))
    expect(mistakesIn(example)).toEqual([])
  })

  test('is of the type that is said', () => {
    const known = typeCheck(name, type)
    expect(known, `"${type}" is no type that this test knows`).toBeDefined()
    known?.()
  })

  test('has what is said where it is not there', () => {
    if (usual.startsWith('has to be said')) return
    expect(usual.split(',')[0]?.startsWith('`') === true && marked(usual)[0]).toBe(
      asText(valueOf(defaultPolicy, name)),
    )
  })

  test('is tightened as is said', () => {
    if (ofTwo === 'as described') return
    const [own, other] = [policyOf(example), policyOf('live: kill')]
    const [value, otherValue] = [valueOf(own, name), valueOf(other, name)]
    expect(value, 'the example says what holds anyway').not.toEqual(otherValue)
    for (const pair of [
      [own, other],
      [other, own],
    ] as const) {
      const result = valueOf(strictest(pair[0], [pair[1]]), name)
      const wanted = ofBoth(ofTwo, value, otherValue)
      expect(wanted, `"${ofTwo}" is no rule that this test knows`).toBeDefined()
      expect(asText(result)).toBe(asText(wanted))
    }
  })
})

/** @returns a check of what the column `type` says; undefined for a type that is not known */
function typeCheck(name: string, type: string): (() => void) | undefined {
  const values = marked(type)
  const refused = (value: unknown): string[] => {
    const about = new RegExp(`^${name}(: | must be)|^".*" is no|can't be a policy's name`)
    return mistakesIn(JSON.stringify({ [name]: value })).filter(
      (mistake) => about.test(mistake) && !/an? gateway/.test(mistake.split(';')[0] ?? ''),
    )
  }
  const [least = '', most = ''] = values
  if (/^(?:one|list) of /.test(type)) {
    const isList = type.startsWith('list')
    return () => {
      for (const value of values)
        expect(refused(isList ? [value] : asFlag(value)).join()).not.toMatch(/not known|no factor|neither/)
      const [strange] = refused(isList ? ['nonsense'] : 'nonsense')
      expect(strange).toBeDefined()
      // What the reader offers is what the page lists.
      const offered = /(?:choose|choose among:|lockOn: \[|write) ([\w-]+(?:(?:, | or )[\w-]+)*)\]?$/.exec(
        (strange ?? '').replace('lockOn: [', 'lockOn: [ '),
      )?.[1]
      expect(offered?.split(/, | or /).toSorted()).toEqual([...values].toSorted())
    }
  }
  if (type.startsWith('time, '))
    return () => {
      const longer = formatDuration((parseDuration(most) as number) + 1_000)
      expect(refused(longer).join()).toContain(`choose from ${least} to ${most}`)
      for (const value of values) expect(refused(value).join()).not.toContain('out of range')
    }
  if (type.startsWith('number, '))
    return () => {
      expect(refused(Number(most) + 1).join()).toContain(`choose a number from ${least} to ${most}`)
      for (const value of values) expect(refused(Number(value))).toEqual([])
    }
  if (type.startsWith('list, at most '))
    return () => {
      const tooMany = Array.from({ length: Number(least) + 1 }, () => 'x')
      expect(refused(tooMany).join()).toMatch(new RegExp(`${name} must be a list of .*\\b${least} `))
    }
  if (['mapping', 'name', 'path, or `off`', 'key, or `none`'].includes(type))
    return () => expect(mistakesIn(JSON.stringify({ [name]: 7 }))).not.toEqual([])
  return undefined
}

const asFlag = (value: string): unknown => (['true', 'false'].includes(value) ? value === 'true' : value)

/** What holds where one file has this and the other that, by the rule in the column `of two files`. */
function ofBoth(rule: string, value: unknown, other: unknown): unknown {
  const ms = (text: unknown): number => parseDuration(String(text)) as number
  if (rule === 'the shorter') return ms(value) < ms(other) ? value : other
  if (rule === 'the longer') return ms(value) > ms(other) ? value : other
  if (rule === 'the fewer') return Math.min(Number(value), Number(other))
  if (rule === 'both lists') {
    const [longer, shorter] = [value as unknown[], other as unknown[]]
    return shorter.every((one) => longer.includes(one)) ? longer : undefined
  }
  if (rule === 'what is said') return value
  const [wins] = marked(rule)
  return [value, other].map(asText).find((one) => one === wins)
}

test.each([...policyKeys].filter((name) => ['oidc', 'sshAgent', 'ephemeral', 'deny'].includes(name)))(
  'each field within %s is there, and no other',
  (name) => {
    const section = sections.find((one) => one.name === name)
    const table = section?.text.split(`| of \`${name}\` | unless said | what |\n`)[1] ?? ''
    const listed = [...table.matchAll(/^\| `(\w+)` \| /gm)].map(([, field]) => field)
    const strange = { nonsense: 1 }
    const mistakes = mistakesIn(
      JSON.stringify({
        unlock: [name === 'oidc' ? 'oidc' : 'passphrase', ...(name === 'sshAgent' ? ['ssh-agent'] : [])],
        ...(name === 'ephemeral' && { credential: 'ephemeral' }),
        [name]: name === 'deny' ? [strange] : strange,
      }),
    )
    const known = mistakes.join('\n').match(/(?<=nonsense" is not known; known here: ).*/)?.[0]
    expect(listed.toSorted()).toEqual(known?.split(', ').toSorted())
  },
)
