export const severities = ['high', 'medium', 'low'] as const
export type Severity = (typeof severities)[number]

/**
 * Every kind of thing that `kubeguard audit` finds. An id is never reused: CI files name them.
 * `docs/audit.md` lists the same ids with the same severity and cure, and a test compares the two.
 */
export const auditRules = {
  'unending-token': {
    severity: 'high',
    title: 'a token without an end',
    cure: 'run: kubeguard adopt, then replace the token by a short-lived one',
  },
  'service-account-token': {
    severity: 'high',
    title: 'a legacy service account token, which never expires',
    cure: 'delete its Secret in the cluster, and use kubectl create token for short-lived ones',
  },
  'long-lived-token': {
    severity: 'high',
    title: 'a token that is good for more than a day',
    cure: 'run: kubeguard adopt, then replace the token by a short-lived one',
  },
  'short-lived-token': {
    severity: 'low',
    title: 'a token that ends within a day',
    cure: 'run: kubeguard adopt',
  },
  'expired-token': {
    severity: 'low',
    title: 'a token that has ended',
    cure: 'remove it from the file, or fetch a new one',
  },
  'cluster-admin-certificate': {
    severity: 'high',
    title: 'a client certificate of system:masters, whose rights nothing in the cluster can take away',
    cure: 'keep it offline for emergencies, and work as a user whose rights come from RBAC',
  },
  'client-certificate': {
    severity: 'high',
    title: 'a client certificate, which can’t be revoked',
    cure: 'run: kubeguard adopt, then replace it by short-lived credentials',
  },
  'short-lived-client-certificate': {
    severity: 'low',
    title: 'a client certificate that ends within a day',
    cure: 'run: kubeguard adopt',
  },
  'expired-client-certificate': {
    severity: 'low',
    title: 'a client certificate that has ended',
    cure: 'remove it and its key, or fetch a new one',
  },
  'weak-key': {
    severity: 'medium',
    title: 'a client key that is too short',
    cure: 'issue a new certificate for an RSA key of 2048 bits or more, or an elliptic curve',
  },
  'basic-auth': {
    severity: 'high',
    title: 'a password in the clear',
    cure: 'use a token or a client certificate instead: clusters since 1.19 take no passwords',
  },
  'auth-provider': {
    severity: 'high',
    title: 'an auth provider, which keeps its tokens in the kubeconfig',
    cure: 'run kubeguard adopt, which knows the one named oidc; kubectl has no other one since 1.26',
  },
  'materialised': {
    severity: 'medium',
    title:
      'a credential that `materialize` put into the file, which a lock takes out: any program can copy it till then',
    cure: 'set materialize: false where every program can use exec plugins; kubeguard lock takes it out now',
  },
  'guard-bypassed': {
    severity: 'high',
    title: 'a static credential beside kubeguard’s entry, which then is never asked',
    cure: 'run: kubeguard adopt',
  },
  'plugin-never-runs': {
    severity: 'medium',
    title: 'a static credential beside an exec plugin, which then never runs',
    cure: 'remove the static credential, or run: kubeguard adopt',
  },
  'unguarded-plugin': {
    severity: 'medium',
    title: 'an exec plugin that works without any session of kubeguard’s',
    cure: 'run: kubeguard adopt',
  },
  'borrowed-credential': {
    severity: 'low',
    title: 'an exec plugin behind kubeguard, whose own source outlives a lock',
    cure: 'list its caches under wipe in the policy, and log out of the source when you are done',
  },
  'plugin-by-name': {
    severity: 'medium',
    title: 'an exec plugin that is found through PATH',
    cure: 'name the program by its full path',
  },
  'secret-in-exec': {
    severity: 'high',
    title: 'a secret among an exec plugin’s arguments or environment',
    cure: 'give it to the plugin through a file or store of its own, and rotate it',
  },
  'insecure-skip-tls-verify': {
    severity: 'high',
    title: 'the server’s certificate is not checked: whoever is on the way gets the credential',
    cure: 'remove insecure-skip-tls-verify, and set certificate-authority-data',
  },
  'plain-http': {
    severity: 'medium',
    title: 'a server without TLS',
    cure: 'use the https address of the cluster',
  },
  'password-in-url': {
    severity: 'high',
    title: 'a password in an address',
    cure: 'take the password out of the address, and rotate it',
  },
  'readable-by-others': {
    severity: 'high',
    title: 'a file with a credential that other accounts can read',
    cure: 'run chmod 600 on the file, then rotate what is in it',
  },
  'writable-by-others': {
    severity: 'high',
    title: 'a file that other accounts can write: they decide which programs kubectl runs as you',
    cure: 'run chmod 600 on the file, and check what it says',
  },
  'readable-kubeconfig': {
    severity: 'low',
    title: 'a kubeconfig without a credential that other accounts can read',
    cure: 'run chmod 600 on the file: tools write credentials into it',
  },
  'tracked-by-git': {
    severity: 'high',
    title: 'a kubeconfig with a credential that git tracks',
    cure: 'rotate the credential, then take the file out of git and its history',
  },
  'in-git-work-tree': {
    severity: 'medium',
    title: 'a kubeconfig with a credential inside a git work tree',
    cure: 'move it out of the work tree: one git add is enough to publish it',
  },
  'leftover-copy': {
    severity: 'high',
    title: 'a backup or an editor’s leftover that holds a credential',
    cure: 'remove the file, and rotate what is in it',
  },
  'stray-kubeconfig': {
    severity: 'medium',
    title: 'a kubeconfig with a credential that is not in use',
    cure: 'remove the file, or run: kubeguard adopt --kubeconfig FILE',
  },
  'kubeconfig-in-start-up-file': {
    severity: 'low',
    title: 'a start-up file names a kubeconfig with a credential that is not in use here',
    cure: 'remove the line, or run: kubeguard adopt --kubeconfig FILE',
  },
  'cached-refresh-token': {
    severity: 'high',
    title: 'a refresh token in a cache: it gets new credentials after the lock',
    cure: 'log out with the tool that wrote it, or remove the file',
  },
  'cached-credential': {
    severity: 'medium',
    title: 'a credential in a cache that is still good',
    cure: 'log out with the tool that wrote it, or remove the file',
  },
  'cached-key': {
    severity: 'high',
    title: 'a private key or long-lived key that another tool keeps',
    cure: 'log out with the tool that wrote it, or use its short-lived credentials instead',
  },
  'wiped-cache': {
    severity: 'low',
    title: 'a credential in a cache, which a lock wipes',
    cure: 'nothing to do: it goes with the next lock; kubeguard sweep wipes it now',
  },
  'plugin-policy-open': {
    severity: 'low',
    title: 'kubectl runs any program that a kubeconfig names',
    cure: 'set credentialPluginPolicy: Allowlist in ~/.kube/kuberc, and list the plugins that you use',
  },
  'kuberc-skips-tls': {
    severity: 'high',
    title: 'kuberc makes kubectl skip the check of the server’s certificate',
    cure: 'remove insecure-skip-tls-verify from kuberc',
  },
  'unreadable-file': {
    severity: 'medium',
    title: 'a file that can’t be read, so nothing is known of what it holds',
    cure: 'mend or remove the file',
  },
} as const satisfies Record<string, { severity: Severity; title: string; cure: string }>

export type AuditRule = keyof typeof auditRules

/** @returns whether a severity is at least as bad as another. */
export function isAtLeast(severity: Severity, level: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(level)
}
