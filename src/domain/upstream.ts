/** An API server behind the gateway, as the kubeconfig’s cluster named it when its user was adopted. */
export interface Upstream {
  /** First segment of its path at the gateway. */
  readonly slug: string
  /** `https://…`, with the path that it may have. */
  readonly server: string
  /** PEM; absent: who the runtime and this machine believe. */
  readonly caPem?: string | undefined
  readonly tlsServerName?: string | undefined
  /** `http://` or `https://` of a proxy that takes CONNECT. */
  readonly proxyUrl?: string | undefined
  /** `insecure-skip-tls-verify`, only where the kubeconfig had it. */
  readonly skipsVerify?: boolean | undefined
}
