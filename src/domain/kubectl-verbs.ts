import type { VerbClass } from './command.ts'
import { switchOf } from './flag-parser.ts'
import type { ParsedFlags } from './flag-parser.ts'

/**
 * What each command of kubectl 1.27 to 1.36 does. A name not listed is a plugin. A `group` only
 * prints its help unless one of its own commands follows.
 */
export type VerbRule = VerbClass | 'group' | ((flags: ParsedFlags) => VerbClass)

/** `-w`, `--watch` and `--watch-only` stream wherever a command knows them, also in versions to come. */
const unlessWatched = (flags: ParsedFlags): VerbClass => {
  if (switchOf(flags, 'watch') || switchOf(flags, 'watch-only')) return 'live'
  return streamsPath(flags.values.get('raw') ?? '') ? 'live' : 'unary'
}

/** `get --raw '/api/v1/pods?watch=1'` and `…/log?follow=true`, and the paths that only stream. */
const streamingPath = /[?&](watch|follow)([=&]|$)|\/(watch|proxy|exec|attach|portforward)(\/|\?|$)/

/**
 * As the server reads it: percent signs decoded, and a switch without a value set
 * (apimachinery, runtime/conversion.go, Convert_Slice_string_To_bool).
 */
function streamsPath(raw: string): boolean {
  try {
    return streamingPath.test(decodeURIComponent(raw))
  } catch {
    return true
  }
}

/** `--edit` holds the client open in an editor. */
const unlessEdited = (flags: ParsedFlags): VerbClass =>
  switchOf(flags, 'edit') ? 'live' : unlessWatched(flags)

const streamsTerminal = (flags: ParsedFlags): VerbClass =>
  switchOf(flags, 'stdin') && switchOf(flags, 'tty') ? 'interactive' : 'live'

/** `run` and `debug` attach when told to, and by default with `-i` (`kubectl run --help`). */
const whereAttached = (flags: ParsedFlags): VerbClass => {
  const attached = switchOf(flags, 'attach') ?? (switchOf(flags, 'stdin') || switchOf(flags, 'tty'))
  return attached ? streamsTerminal(flags) : unlessWatched(flags)
}

const logs = (flags: ParsedFlags): VerbClass => (switchOf(flags, 'follow') ? 'live' : 'unary')
const version = (flags: ParsedFlags): VerbClass => (switchOf(flags, 'client') ? 'local' : 'unary')
/** It watches unless told not to, and ends by itself only when the rollout does. */
const rolloutStatus = (flags: ParsedFlags): VerbClass =>
  switchOf(flags, 'watch') === false ? 'unary' : 'live'

const named = (parent: string, children: string, rule: VerbRule): [string, VerbRule][] =>
  children
    .trim()
    .split(/\s+/)
    .map((child) => [parent === '' ? child : `${parent} ${child}`, rule])

const rules = new Map<string, VerbRule>([
  ...named('', 'help options completion kustomize config plugin kuberc', 'local'),
  ...named('', 'certificate auth rollout set top alpha', 'group'),
  ...named('', 'attach exec', streamsTerminal),
  ...named('', 'run debug', whereAttached),
  ...named('', 'port-forward proxy cp edit wait drain', 'live'),
  ...named('', 'create replace', unlessEdited),
  ...named(
    '',
    `annotate api-resources api-versions apply autoscale cluster-info cordon delete describe diff events
     explain expose get label patch scale taint uncordon`,
    unlessWatched,
  ),
  ...named('', 'logs', logs),
  ...named('', 'version', version),
  ...named('cluster-info', 'dump', unlessWatched),
  ...named('apply', 'set-last-applied view-last-applied', unlessWatched),
  ...named('apply', 'edit-last-applied', 'live'),
  ...named('auth', 'can-i reconcile whoami', unlessWatched),
  ...named('certificate', 'approve deny', unlessWatched),
  ...named('rollout', 'history pause restart resume undo', unlessWatched),
  ...named('rollout', 'status', rolloutStatus),
  ...named('set', 'env image resources selector serviceaccount sa subject', unlessWatched),
  ...named('top', 'node nodes no pod pods po', unlessWatched),
  ...named('alpha', 'kuberc', 'local'),
  ...named('alpha auth', 'whoami', unlessWatched),
  ...named(
    'create',
    `clusterrole clusterrolebinding configmap cm cronjob cj deployment deploy ingress ing job namespace ns
     poddisruptionbudget pdb priorityclass pc quota resourcequota role rolebinding secret service svc
     serviceaccount sa token`,
    unlessEdited,
  ),
  ...named('create secret', 'docker-registry generic tls', unlessEdited),
  ...named('create service', 'clusterip externalname loadbalancer nodeport', unlessEdited),
  ...named('create svc', 'clusterip externalname loadbalancer nodeport', unlessEdited),
])

/** Commands under which everything is of one class, whatever the next word is. */
const wholly = new Set([
  'config',
  'plugin',
  'kuberc',
  'alpha kuberc',
  'help',
  'completion',
  'options',
  'kustomize',
])

/** @returns the rule of a full command name such as `rollout status`; undefined for one not known. */
export function ruleOf(name: string): VerbRule | undefined {
  return rules.get(name)
}

const parents = new Set(
  [...rules.keys()].filter((name) => name.includes(' ')).map((name) => name.replace(/ [^ ]+$/, '')),
)

/** @returns whether words after this command may name a command of its own. */
export function hasChildren(name: string): boolean {
  return parents.has(name) && !wholly.has(name)
}

/** Every full name, for the test that compares them with a real kubectl. */
export const knownVerbs: ReadonlySet<string> = new Set(rules.keys())
