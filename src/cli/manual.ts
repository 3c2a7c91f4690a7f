/** What a person may set in the environment; docs/cli.md has the same. */
export const environmentVariables: Readonly<Record<string, string>> = {
  'KUBEGUARD_HOME': 'moves everything: `config/ state/ run/ data/` below it',
  'KUBEGUARD_PROMPT=never': 'forbids asking, and waiting for another command’s prompt',
  'KUBEGUARD_SYSLOG':
    'the socket of the machine’s log, where it is not `/dev/log`; read by the daemon when it starts',
  'KUBEGUARD_PLUGIN_TIMEOUT':
    'whole seconds after which a wrapped exec plugin is ended; it can only shorten the usual time',
  'KUBECONFIG': 'as kubectl reads it, to find the current context',
  'HOME': 'as kubectl reads it, to find the current context',
  'KUBEGUARD_DEBUG=1': 'prints the stack of an unexpected error',
}

/** Where things are; docs/architecture.md has the same places. */
export const filePlaces: Readonly<Record<string, string>> = {
  '~/.config/kubeguard/config.yaml': 'the policy',
  '/etc/kubeguard/config.yaml': 'the organisation’s policy: it can only tighten yours',
  '~/.local/state/kubeguard/': 'vaults, journal, log, and what is to be done after a crash',
  '/run/user/UID/kubeguard/':
    'sockets and the status file; without that folder `~/.local/state/kubeguard/run/`',
  '~/.local/share/kubeguard/': 'shims and the credential plugin',
}
