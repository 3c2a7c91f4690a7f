import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { GuardError } from '../domain/errors.ts'
import { parseDuration } from './duration.ts'

const examplesByCommand = new WeakMap<object, readonly string[]>()

/** The examples of a command’s help. */
export function examplesOf(made: CommandUnknownOpts): readonly string[] {
  return examplesByCommand.get(made) ?? []
}

/** A command with what every command has: one line about it, and an example in its help. */
export function command(name: string, about: string, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join('\n')
  const made = new Command(name).description(about).addHelpText('after', `\nExample:\n${lines}`)
  examplesByCommand.set(made, examples)
  return made
}

/** `--json`: the data as one JSON document on stdout. */
export function jsonOption() {
  return new Option('--json', 'print JSON')
}

/** `--passphrase-fd N` */
export function passphraseFdOption() {
  const about = 'read the passphrase, one line, from this descriptor'
  return new Option('--passphrase-fd <n>', about).argParser(parseDescriptor)
}

/** `--kubeconfig FILE`, as often as wanted. */
export function kubeconfigOption() {
  return new Option('--kubeconfig <file>', 'kubeconfig file, may be repeated')
    .argParser(collect)
    .default([] as string[], '$KUBECONFIG, else ~/.kube/config')
}

/** `--user NAME`, as often as wanted. */
export function userOption() {
  const about = 'only this kubeconfig user, may be repeated'
  return new Option('--user <name>', about).argParser(collect).default([] as string[], 'all')
}

/** A duration such as 30m, as an option's argument. @returns milliseconds */
export function durationArgument(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof GuardError ? error.cure : '')
  }
}

function parseDescriptor(text: string): number {
  const fd = Number(text)
  if (/^\d{1,5}$/.test(text)) return fd
  throw new InvalidArgumentError('It is the number of an open descriptor, such as 3.')
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
