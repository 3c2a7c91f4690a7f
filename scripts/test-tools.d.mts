/** Types of the part of test-tools.mjs that the tests use. */
export function toolsFolder(): string
export function onPath(command: string): string | undefined
export function fetchBinaries(): void
export function fetchOlderKubectl(minor: '1.34' | '1.32'): string
