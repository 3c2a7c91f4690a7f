import { Argument, Command, Option } from '@commander-js/extra-typings'
import { expect, test } from 'vitest'
import { complete } from '../../../src/cli/completion.ts'

const program = new Command('kubeguard')
  .addCommand(
    new Command('unlock').argument('[policy]').option('--for <duration>', 'shorter').option('--all', 'all'),
  )
  .addCommand(new Command('kill').argument('<ids...>'))
  .addCommand(new Command('shell').addArgument(new Argument('<shell>').choices(['zsh', 'fish'])))
  .addCommand(new Command('prompt').addOption(new Option('--style <style>').choices(['ansi', 'tmux'])))
  .addCommand(new Command('policy').addCommand(new Command('explain').argument('<context>')))

const known: Record<string, string[]> = {
  policy: ['prod', 'default'],
  id: ['41', '42'],
  context: ['prod-eu'],
}
const words = async (...typed: string[]): Promise<string[]> => {
  const lookUp = async (name: string) => (known[name] ?? []).map((word) => ({ word, about: '' }))
  return (await complete(program, typed, lookUp)).map(({ word }) => word)
}

test.each<[string[], string[]]>([
  [[''], ['unlock', 'kill', 'shell', 'prompt', 'policy']],
  [['p'], ['prompt', 'policy']],
  [
    ['unlock', ''],
    ['prod', 'default'],
  ],
  [['unlock', 'pr'], ['prod']],
  [['unlock', 'prod', ''], []],
  [['unlock', '--for', ''], []],
  [
    ['unlock', '--all', ''],
    ['prod', 'default'],
  ],
  [['unlock', '--a'], ['--all']],
  [
    ['kill', '41', ''],
    ['41', '42'],
  ],
  [
    ['shell', ''],
    ['zsh', 'fish'],
  ],
  [['prompt', '--style', 't'], ['tmux']],
  [['policy', ''], ['explain']],
  [['policy', 'explain', ''], ['prod-eu']],
  [['nonsense', ''], []],
  [[], ['unlock', 'kill', 'shell', 'prompt', 'policy']],
])('%j goes on with %j', async (typed, expected) => {
  expect(await words(...typed)).toEqual(expected)
})
