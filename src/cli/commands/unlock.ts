import { Option } from '@commander-js/extra-typings'
import { constants } from 'node:os'
import { takePromptTurn } from '../../client/prompt-turn.ts'
import { openTerminal } from '../../client/tty-device.ts'
import { GuardError } from '../../domain/errors.ts'
import { isGiven } from '../../domain/given-credential.ts'
import { wordsOf } from '../../domain/policy-unlock.ts'
import { prctl, prctlOption } from '../../platform/libc.ts'
import type { PolicyReport, StatusReport } from '../../protocol/reports.ts'
import { command, durationArgument, passphraseFdOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { sayFailure } from '../output.ts'
import { askedOnce, fromPinentry, passphraseSource } from '../passphrase.ts'
import type { PassphraseSource } from '../passphrase.ts'
import { readPolicies } from '../read-policies.ts'
import { readStatus, unlockSession } from '../unlock-session.ts'

interface UnlockOptions {
  readonly all?: true | undefined
  readonly for?: number | undefined
  readonly passphraseFd?: number | undefined
  readonly forCommand?: true | undefined
  readonly recovery?: true | undefined
  readonly role?: string | undefined
}

export function unlockCommand() {
  return (
    command(
      'unlock',
      'open a session: prove who you are, work until the limits of its policy',
      'kubeguard unlock',
      'kubeguard unlock prod --for 30m',
      'kubeguard unlock prod --role edit --for 15m',
      'secret-tool lookup service kubeguard | kubeguard unlock --all --passphrase-fd 0',
    )
      .argument('[policy]', 'policy to unlock (default: that of the current context)')
      .option('--all', 'unlock every policy')
      .option('--for <duration>', 'end after this time already; never lengthens', durationArgument)
      .option(
        '--role <role>',
        'credential: ephemeral: with this one of the roles that the policy offers (default: the least)',
      )
      .option('--recovery', 'the passphrase is forgotten: give the recovery key in its place')
      .addOption(passphraseFdOption())
      // For shim and plugin: the strict rules of asking, since a client met the lock and not a person's wish.
      .addOption(new Option('--for-command').hideHelp())
      .action((policy, options) => runCommand(() => unlock(policy, options)))
  )
}

async function unlock(policy: string | undefined, options: UnlockOptions): Promise<number> {
  if (policy !== undefined && options.all) throw new GuardError('usage', 'give a policy or --all, not both')
  if (options.role !== undefined && options.all)
    throw new GuardError('usage', 'a role is chosen for one policy: give --role or --all, not both')
  await hardenBeforeSecrets(options.passphraseFd)
  // A prompt must not outlive the command that it asks for.
  if (options.forCommand) prctl(prctlOption.setPdeathsig, constants.signals.SIGTERM)
  const source = askedOnce(await sourceFor(policy, options))
  try {
    if (source.onTerminal) return await unlockInTurn(policy, options, source)
    return await unlockEach(policy, options, source)
  } finally {
    source.forget()
  }
}

/** Where nobody can be asked, what is open already still is: a script may say `unlock` to be sure. */
async function sourceFor(policy: string | undefined, options: UnlockOptions): Promise<PassphraseSource> {
  const { passphraseFd, forCommand: forClient = false } = options
  try {
    return await passphraseSource({ passphraseFd, forClient })
  } catch (error) {
    const report = forClient ? undefined : await readStatus()
    if (report !== undefined && isOpen(report, policy, options)) {
      const refuse = (): Promise<never> => Promise.reject(error)
      return { onTerminal: false, asksPerson: false, ask: refuse, askNew: refuse }
    }
    // Whatever is wrong there, why it can't be asked here is what is said.
    const rules = await readPolicies().catch(() => undefined)
    const asked = rules?.policies.find(({ name }) => name === (policy ?? report?.currentPolicy))
    const pinentry = pinentryFor(asked, options)
    if (pinentry !== undefined) return fromPinentry(pinentry)
    await assertMayLogIn(asked, forClient)
    throw error
  }
}

type Asked = PolicyReport['policies'][number] | undefined

/** Where there is no terminal at all, and the policy names one. A recovery key is nothing to be typed into a small dialog. */
function pinentryFor(asked: Asked, { recovery }: UnlockOptions): string | undefined {
  if (recovery || hasTerminal() || process.env['KUBEGUARD_PROMPT'] === 'never') return undefined
  return asked?.pinentry === '' ? undefined : asked?.pinentry
}

/** @throws GuardError `cannot-ask-here`, in the words of what opens this policy, where that is no passphrase */
async function assertMayLogIn(asked: Asked, forClient: boolean): Promise<void> {
  if (asked === undefined || !isGiven(asked.unlock)) return
  const { assertMayAsk } = await import('../../client/prompt-passphrase.ts')
  assertMayAsk(forClient, wordsOf(asked.unlock).ask)
}

function hasTerminal(): boolean {
  const terminal = openTerminal()
  terminal?.close()
  return terminal !== undefined
}

/** One prompt at a time on a terminal. */
async function unlockInTurn(
  policy: string | undefined,
  options: UnlockOptions,
  source: PassphraseSource,
): Promise<number> {
  const turn = await takePromptTurn()
  try {
    return await unlockEach(policy, options, source)
  } finally {
    turn?.release()
  }
}

async function unlockEach(
  policy: string | undefined,
  options: UnlockOptions,
  source: PassphraseSource,
): Promise<number> {
  const order = {
    forMs: options.for,
    forClient: options.forCommand,
    recovery: options.recovery,
    role: options.role,
  }
  if (!options.all) {
    await unlockSession({ policy, ...order }, source)
    return 0
  }
  const { byPassphrase, byLogIn } = await policiesByOpening()
  for (const each of byPassphrase) await unlockSession({ policy: each, ...order }, source)
  let exitCode = 0
  for (const each of byLogIn) {
    // What one provider refuses, or nobody can be asked for here, leaves the others as they are.
    const left = await unlockSession({ policy: each, ...order }, source).then(() => undefined, failureOf)
    if (left === undefined) continue
    sayFailure(`${each} stays locked: ${left.message}`, cureFor(each, left))
    exitCode = left.exitCode
  }
  return exitCode
}

/** The passphrase first: it may come from a descriptor, and needs nobody. */
async function policiesByOpening(): Promise<{ byPassphrase: readonly string[]; byLogIn: readonly string[] }> {
  const { policies: rules } = await readPolicies()
  const isByLogIn = (policy: string): boolean =>
    isGiven(rules.find(({ name }) => name === policy)?.unlock ?? [{ factor: 'passphrase' }])
  const policies = [...new Set((await readStatus()).sessions.map(({ policy }) => policy))]
  return {
    byPassphrase: policies.filter((policy) => !isByLogIn(policy)),
    byLogIn: policies.filter(isByLogIn),
  }
}

/** @throws what is no refusal, and a person’s Ctrl-C */
function failureOf(error: unknown): GuardError {
  if (error instanceof GuardError && error.code !== 'unlock-cancelled') return error
  throw error
}

const cureFor = (policy: string, { code, cure }: GuardError): string =>
  code === 'cannot-ask-here' ? `at a terminal, run: kubeguard unlock ${policy}` : cure

function isOpen(
  { sessions, currentPolicy }: StatusReport,
  policy: string | undefined,
  options: UnlockOptions,
): boolean {
  if (options.all) return sessions.every((session) => session.state === 'unlocked')
  return sessions.some(
    (session) => session.policy === (policy ?? currentPolicy) && session.state === 'unlocked',
  )
}
