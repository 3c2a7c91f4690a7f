/** How a kubeconfig user logs in without us, as far as a factor may know how to do the same. */
export type ForeignLogIn =
  | {
      readonly by: 'exec'
      readonly command: string
      readonly args: readonly string[]
      readonly env: readonly { readonly name: string; readonly value: string }[]
      /** What `~/` means to it. */
      readonly home: string
    }
  /** What kubectl itself has built in (client-go, plugin/pkg/client/auth). */
  | {
      readonly by: 'auth-provider'
      readonly name: string
      readonly config: Readonly<Record<string, string>>
    }

/** What a factor makes of it. Only `clientSecret` is a secret. */
export interface KnownLogIn {
  /** As people call what does it now. */
  readonly program: string
  /** The factor's settings, as a policy file says them. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly clientSecret?: string | undefined
  /** Certificates that vouch for the provider: PEM in base64, which belongs into a file. */
  readonly authorities?: string | undefined
  /** Where it keeps tokens, as `wipe` in a policy names the place. */
  readonly caches: readonly string[]
  /** Why the factor can't do the same; none: it can. */
  readonly obstacles: readonly string[]
  /** What will be otherwise. */
  readonly changes: readonly string[]
}
