/**
 * Where programs that give credentials to kubectl keep what they were given: paths below the home. `wipe` in a policy
 * takes the names, `audit` looks at the places.
 */
export const tokenCaches = {
  /** int128/kubelogin, `--token-cache-dir`: one JSON file for each issuer and client. */
  'kubelogin': '.kube/cache/oidc-login',
  /** Azure/kubelogin, `--cache-dir`. */
  'azure-kubelogin': '.kube/cache/kubelogin',
  /** One JSON file. */
  'gke-gcloud-auth-plugin': '.kube/gke_gcloud_auth_plugin_cache',
  /** Credentials of assumed roles. */
  'aws-cli': '.aws/cli/cache',
  /** Access and refresh tokens of `aws sso login`, and the client's registration. */
  'aws-sso': '.aws/sso/cache',
  /** Keys and certificates of `tsh login`. */
  'tsh': '.tsh/keys',
} as const satisfies Record<string, string>

export type TokenCache = keyof typeof tokenCaches

export const isTokenCache = (name: string): name is TokenCache => Object.hasOwn(tokenCaches, name)
