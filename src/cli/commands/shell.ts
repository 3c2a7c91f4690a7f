import { Argument } from '@commander-js/extra-typings'
import { command } from '../command.ts'
import { runCommand } from '../failure.ts'
import { print } from '../output.ts'
import { hookLine, shells } from '../shell-hook.ts'

export function shellCommand() {
  return command('shell', 'print the line for a shell’s start-up file', 'kubeguard shell zsh >> ~/.zshrc')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action((shell) => runCommand(async () => print(hookLine(shell))))
}
