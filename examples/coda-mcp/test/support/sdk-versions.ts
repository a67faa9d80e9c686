/** The clients that tests of all SDK lines connect. */
export const sdkVersions = ['v1', 'v2, 2025 protocol', 'v2, 2026-07-28 protocol'] as const
export type SdkVersion = (typeof sdkVersions)[number]
