import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { InfisicalSDK } from '@infisical/sdk'

/** The client of the SDK. */
export type Sdk = InfisicalSDK

/** The one export of the SDK that is used. */
export interface SdkModule {
  readonly InfisicalSDK: new (options: { siteUrl: string }) => Sdk
}

/** Loads the SDK, once. */
export type SdkLoader = () => Promise<SdkModule>

/** Creates a loader. `load` is replaced by tests only. */
export function createSdkLoader(
  load: () => Promise<SdkModule> = () => import('@infisical/sdk'),
): SdkLoader {
  let loaded: Promise<SdkModule> | undefined
  return () => {
    loaded ??= load().catch((cause: unknown) => {
      loaded = undefined
      const missing =
        cause instanceof Error && Reflect.get(cause, 'code') === 'ERR_MODULE_NOT_FOUND'
      throw new StoreUnavailableError(
        missing
          ? 'the package @infisical/sdk is not installed: npm install @infisical/sdk@^5.0.2'
          : 'the package @infisical/sdk could not be loaded',
        { cause },
      )
    })
    return loaded
  }
}
