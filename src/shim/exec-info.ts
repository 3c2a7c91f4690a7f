/**
 * The API version that a client asks for in KUBERNETES_EXEC_INFO. Some clients set nothing, and what is
 * there may be anything: all but v1beta1 means v1.
 */
export function execInfoVersion(text: string | undefined): 'v1' | 'v1beta1' {
  try {
    const info = JSON.parse(text ?? '') as { apiVersion?: unknown } | null
    return info?.apiVersion === 'client.authentication.k8s.io/v1beta1' ? 'v1beta1' : 'v1'
  } catch {
    return 'v1'
  }
}
