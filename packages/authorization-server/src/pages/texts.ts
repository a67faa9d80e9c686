/**
 * Every text of the pages, in English. What stands in braces is filled in: a text of the operator may
 * use the placeholders of the text it replaces and no others, and may leave any of them out, since
 * names, hosts and scopes are always shown beside the texts as well.
 */
export const DEFAULT_TEXTS = {
  /** Language of the texts as a BCP 47 tag. Decides how times are written, and the direction. */
  language: 'en',

  /** Label of the name of the client. */
  clientLabel: 'App',
  /** Label of the host of a client id that is a URL. */
  clientHostLabel: 'App address',
  /** Label of the host or scheme that the answer goes to. */
  redirectLabel: 'Returns to',
  /** Added to a host on this computer. */
  redirectLoopback: 'a program on this computer',
  /** Added to a private scheme. */
  redirectPrivateScheme: 'an app on this device',

  signInTitle: 'Sign in to {brand}',
  signInLead: '{client} wants to connect. Continue if you started this.',
  /** In place of the lead when no app asks. */
  signInAccountLead: 'To see which apps you connected, and to end what you no longer need.',
  /** Button of a login by redirect. `{provider}` is, for example, Google. */
  signInWith: 'Continue with {provider}',
  /** Between the ways to sign in. */
  signInOr: 'or',
  /** Heading over the users of the development login. */
  signInDevTitle: 'Development sign-in',
  signInDevHint: 'No password is asked, so this works on this computer only.',
  signInDevButton: 'Continue as {name}',
  cancelButton: 'Cancel and go back to the app',

  /** Under the field for a token of the upstream. */
  apiTokenStored: 'It is stored encrypted and never given to the app.',
  /** `{label}` is, for example, Coda API token. */
  apiTokenHelp: 'Where to find your {label}',
  apiTokenOpensTab: '(opens in a new tab)',
  apiTokenFormat: 'Format: {hint}',
  apiTokenSignIn: 'Continue with token',
  apiTokenConnect: 'Connect',
  apiTokenReplace: 'Save new token',
  apiTokenEmpty: 'Paste your token first.',
  apiTokenRefused: 'This token was not accepted. Check that it was copied whole and still exists.',
  apiTokenUnavailable: 'The token could not be checked just now. Try again in a minute.',
  apiTokenTooMany: 'Too many attempts. Wait a few minutes, then try again.',
  /** In front of the title of a page with a problem. */
  problemTitle: 'Problem: {title}',

  connectTitle: 'Connect your account',
  connectLead: 'One more step: {brand} needs your {label} to work for you in {client}.',
  connectSkip: 'Not now',

  consentTitle: 'Allow {client} to use {brand}?',
  consentScopes: 'It will be able to',
  consentNoScopes: 'See that you signed in, and nothing else.',
  consentUser: 'Signed in as',
  consentVia: 'via {provider}',
  consentSwitchUser: 'Switch account',
  consentResourceLabel: 'Server',
  /** Under the facts, for a client whose id is not a URL. */
  consentUnverified: 'The app chose its own name. It has not been verified.',
  consentLoopbackTitle: 'The answer goes to a program on this computer',
  consentLoopback:
    'Any program here can call itself {client}. Allow only if you started it a moment ago.',
  consentPrivateSchemeTitle: 'The answer goes to an app on this device',
  consentPrivateScheme:
    'Whichever app has claimed {scheme} addresses receives it. Allow only if you started this in {client} a moment ago.',
  consentAllow: 'Allow',
  consentDeny: 'Deny',
  consentRevocable: 'You can take this back at any time on your account page.',

  /** The account is not on the list of those who may come in. */
  deniedNotAdmittedTitle: 'This account has no access',
  deniedNotAdmitted: 'Ask whoever runs {brand} to let you in, or sign in with another account.',
  deniedSuspendedTitle: 'This account is suspended',
  deniedSuspended: 'Whoever runs {brand} has stopped it. Ask them if you think this is a mistake.',
  deniedCancelledTitle: 'You cancelled',
  deniedCancelled: 'Nothing was connected and nothing was shared.',
  /** The login provider said no. */
  deniedUpstreamTitle: 'Sign-in was refused',
  deniedUpstream: 'The sign-in service did not confirm who you are. Nothing was connected.',
  /** The development login, through a proxy or a tunnel. */
  deniedNotDirectTitle: 'This sign-in works on this computer only',
  deniedNotDirect:
    'The request came through a proxy or a tunnel, and no password is asked here. Whoever runs {brand} has to set up another sign-in first.',
  deniedBack: 'Back to the app',

  errorBadRequestTitle: 'This request cannot be read',
  errorBadRequest: 'Something in the link is missing or wrong. Go back to the app and start again.',
  errorUnknownClientTitle: 'This app is not known here',
  errorUnknownClient: 'Remove the connection in the app and add it again.',
  errorBadRedirectUriTitle: 'This app gave a wrong return address',
  errorBadRedirectUri: 'For your safety nothing was sent to it. Tell whoever makes the app.',
  errorExpiredTitle: 'This page has expired',
  errorExpired: 'It was open too long, or was already used. Go back to the app and start again.',
  errorForbiddenTitle: 'This cannot be done from here',
  errorForbidden: 'The form did not come from this browser. Go back to the app and start again.',
  errorTooManyTitle: 'Too many attempts',
  errorTooMany: 'They are limited to keep accounts safe.',
  errorUnavailableTitle: 'Not available at the moment',
  errorUnavailable: 'Nothing is lost.',
  errorServerErrorTitle: 'Something went wrong here',
  errorServerError: 'It is not your fault. Go back to the app and start again.',
  /** Where it is not known how long to wait. */
  errorRetryLater: 'Try again in a little while.',
  /** `{time}` is, for example, 30 seconds. */
  errorRetryAfter: 'Try again in {time}.',
  errorRequestId: 'When you ask for help, give this number:',

  /** Between two steps, where the browser goes on by itself. */
  doneGoingOnTitle: 'One moment',
  doneGoingOn: 'The next step opens by itself.',
  doneTitle: 'Finished',
  doneConnectedTitle: '{client} is connected',
  doneDeclinedTitle: '{client} was not connected',
  doneLead: 'You can close this window.',
  /** Where the browser goes on by itself. */
  doneContinuing: 'Taking you to {host}. You can close this window afterwards.',
  doneOpeningApp: 'Your browser may ask whether to open the app. Then you can close this window.',
  doneContinue: 'Continue',
  leavingTitle: 'Taking you to {provider}',
  leavingLead: 'You will come back here after you have signed in.',

  accountTitle: 'Your account',
  accountSignOut: 'Sign out',
  accountApps: 'Connected apps',
  accountAppsLead: 'These apps can use {brand} in your name.',
  accountNoApps: 'No app is connected.',
  accountScopes: 'Can',
  accountGranted: 'Connected',
  accountLastUsed: 'Last used',
  accountNever: 'never',
  accountRevoke: 'Disconnect',
  accountCredentials: 'Your credentials',
  accountCredentialsLead: 'Stored encrypted, and used only for what you ask your apps to do.',
  accountNoCredentials: 'Nothing is stored.',
  accountNotConnected: 'Not connected yet. Your apps need it to work for you.',
  accountUpdated: 'Saved',
  accountReplace: 'Replace',
  accountRemove: 'Delete',
  accountRemoveLead: 'Apps that need it stop working for you until you give a new one.',
  accountRemoveConfirm: 'Delete for good',
  noticeRevoked: 'The app was disconnected.',
  noticeReplaced: 'The new token was saved.',
  noticeRemoved: 'The credential was deleted.',

  adminTitle: 'Administration',
  adminUsers: 'Users',
  adminClients: 'Apps',
  adminEvents: 'Audit trail',
  adminNone: 'Nothing yet.',
  /** Below a list that is longer than what is shown of it. */
  adminFirst: 'The first {count} are shown; the command line lists all.',
  adminNewest: 'The newest {count} are shown; the command line lists all.',
  adminInviteTitle: 'Invite someone',
  adminInviteLabel: 'E-mail address',
  adminInviteHint: 'They come in with the first sign-in that proves this address.',
  adminInviteButton: 'Invite',
  adminName: 'Name',
  adminEmail: 'E-mail',
  adminStatus: 'Status',
  adminRole: 'Role',
  adminLastLogin: 'Last sign-in',
  adminAction: 'Action',
  adminSuspend: 'Suspend',
  adminActivate: 'Activate',
  adminClientId: 'Client id',
  adminOrigin: 'Origin',
  adminRevoke: 'Revoke',
  adminTime: 'Time',
  adminEvent: 'Event',
  adminOutcome: 'Outcome',
  adminActor: 'By',
  statusActive: 'active',
  statusSuspended: 'suspended',
  statusInvited: 'invited',
  roleAdmin: 'admin',
  roleUser: 'user',

  /** Link to `brand.supportUrl`. */
  support: 'Get help',
} as const

/** Name of a text. */
export type TextName = keyof typeof DEFAULT_TEXTS

/** Texts of the pages as an operator may give them. Plain text; `DEFAULT_TEXTS` has the placeholders. */
export type Texts = { readonly [Name in TextName]: string }

type PlaceholdersIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholdersIn<Rest>
  : never

/** Names of the placeholders of one text. */
export type Placeholder<Name extends TextName> = PlaceholdersIn<(typeof DEFAULT_TEXTS)[Name]>

/** Finds the names in braces. */
export function placeholdersOf(text: string): readonly string[] {
  return Array.from(text.matchAll(/\{([^{}]*)\}/g), ([, name = '']) => name)
}
