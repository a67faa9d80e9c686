/** How the pages look. */
export interface Brand {
  /** Name of the service, for example `Coda MCP`. */
  readonly name: string
  /** Inline SVG or a `data:` image, since nothing is loaded from elsewhere. */
  readonly logo?: string | undefined
  /** Colours of the main button, as `#rrggbb`, `#rgb` or `rgb(…)`; contrast is checked at start. */
  readonly colors?: BrandColors | undefined
  /** Where people ask for help: an https or mailto URL. */
  readonly supportUrl?: string | undefined
}

/** Colours of the main button. What is left out is chosen so that it can be read. */
export interface BrandColors {
  readonly accent?: string | undefined
  readonly accentText?: string | undefined
  /** In the dark scheme. Default: those of the light one, which few colours suit. */
  readonly accentDark?: string | undefined
  readonly accentTextDark?: string | undefined
}

/** The client that asks, as every page about it shows it. */
export interface ClientView {
  /** Control and bidi characters removed, at most 120 code points. */
  readonly name: string
  /** Host of the client id when that is a URL. */
  readonly idHost?: string | undefined
  /** Full host, with port, or scheme of the redirect URI. */
  readonly redirectHost: string
  /** The answer goes to a program on this computer. */
  readonly isLoopback: boolean
  /** The answer goes to an app by a private scheme. */
  readonly isPrivateScheme: boolean
}

/** One scope in words. */
export interface ScopeView {
  readonly scope: string
  readonly description: string
}

/** Who is signed in. */
export interface UserView {
  readonly name?: string | undefined
  readonly email?: string | undefined
  readonly provider: string
}

/** Fields that every form carries. */
export interface FormView {
  /** Path to post to. */
  readonly action: string
  readonly csrfToken: string
}

export interface SignInView {
  /** Absent: the person signs in to see the account page. */
  readonly client?: ClientView | undefined
  /** One button each; a redirect login is a form post that answers with `Pages.leaving`. */
  readonly redirects: readonly { readonly label: string; readonly form: FormView }[]
  readonly apiToken?: ApiTokenView | undefined
  readonly dev?:
    | {
        readonly form: FormView
        readonly users: readonly {
          readonly subject: string
          readonly name: string
          readonly email: string
        }[]
      }
    | undefined
  /** Back to the app; absent without one. */
  readonly cancel?: FormView | undefined
}

export interface ApiTokenView {
  readonly label: string
  readonly helpUrl?: string | undefined
  readonly hint?: string | undefined
  readonly form: FormView
  /** What was wrong with the last attempt. */
  readonly problem?: 'empty' | 'refused' | 'unavailable' | 'too_many' | undefined
}

export interface ConnectView {
  readonly client: ClientView
  readonly user: UserView
  readonly apiToken: ApiTokenView
  /** Whether the step may be left out. */
  readonly skip?: FormView | undefined
  readonly cancel: FormView
}

export interface ConsentView {
  readonly client: ClientView
  readonly user: UserView
  /** Resource that the token is for. */
  readonly resource: string
  readonly scopes: readonly ScopeView[]
  readonly approve: FormView
  readonly deny: FormView
  readonly switchUser?: FormView | undefined
}

export interface DeniedView {
  readonly user?: UserView | undefined
  readonly reason: 'not_admitted' | 'suspended' | 'cancelled' | 'upstream_denied' | 'not_direct'
  /** Leads back to the app with `access_denied`. */
  readonly back?: FormView | undefined
}

export interface ErrorView {
  readonly status: number
  readonly reason:
    | 'bad_request'
    | 'unknown_client'
    | 'bad_redirect_uri'
    | 'expired'
    | 'forbidden'
    | 'too_many'
    | 'unavailable'
    | 'server_error'
  readonly requestId: string
  /** Seconds to wait before another attempt. */
  readonly retryAfterSeconds?: number | undefined
}

/** The hand-over to the client: a page that goes on by itself (`Refresh`), and says that it can be closed. */
export interface DoneView {
  readonly client: ClientView
  /** What the person decided, when that is known. */
  readonly outcome?: 'connected' | 'declined' | undefined
  /** Where the browser goes; absent when the answer was already handed over. */
  readonly continueUrl?: string | undefined
}

/**
 * The hand-over to an upstream's sign-in: the answer to the form of a redirect login. Chromium
 * applies `form-action` to the redirects of a form, so this page goes on by `Refresh` instead.
 */
export interface LeavingView {
  /** Label of the login provider, for example `Google`. */
  readonly provider: string
  readonly continueUrl: string
}

export interface AccountView {
  readonly user: UserView
  readonly isAdmin: boolean
  readonly apps: readonly {
    readonly name: string
    readonly host: string
    readonly scopes: readonly ScopeView[]
    /** Epoch seconds. */
    readonly grantedAt: number
    readonly lastUsedAt?: number | undefined
    readonly revoke: FormView
  }[]
  readonly credentials: readonly {
    readonly label: string
    /** Takes a token, the first one or another. */
    readonly replace: ApiTokenView
    /** Absent while none is stored. */
    readonly stored?:
      | {
          /** Epoch seconds. */
          readonly updatedAt: number
          readonly remove: FormView
        }
      | undefined
  }[]
  readonly signOut: FormView
  /** After a change: what was done. */
  readonly notice?: 'revoked' | 'replaced' | 'removed' | undefined
  readonly admin?: AdminView | undefined
}

export interface AdminView {
  readonly users: readonly {
    readonly name?: string
    readonly email?: string
    readonly status: string
    readonly role: string
    readonly lastLoginAt?: number
    readonly suspend?: FormView
    readonly activate?: FormView
  }[]
  readonly clients: readonly {
    readonly name: string
    readonly clientId: string
    readonly origin: string
    readonly lastUsedAt?: number
    readonly revoke: FormView
  }[]
  readonly events: readonly {
    readonly at: number
    readonly event: string
    readonly outcome: string
    readonly actor?: string
  }[]
  /** Lists that are longer than what is shown of them. */
  readonly cut?: readonly ('users' | 'clients' | 'events')[]
  /** Adds an invitation. */
  readonly invite: FormView
}

/** Renders every page as a whole HTML document; everything in a view is text and is escaped. */
export interface Pages {
  signIn(view: SignInView): string
  connect(view: ConnectView): string
  consent(view: ConsentView): string
  denied(view: DeniedView): string
  error(view: ErrorView): string
  done(view: DoneView): string
  leaving(view: LeavingView): string
  account(view: AccountView): string
  /** Headers of every page, in lower case: Content-Security-Policy with the hash of the one style sheet, and the others of A40. */
  readonly headers: Readonly<Record<string, string>>
}
