import { type DataTable, renderTable } from './data-table.js'
import type { PageContext } from './document.js'
import { renderButtonForm, renderForm } from './form.js'
import { FORM_FIELDS } from './form-fields.js'
import { type Html, html } from './html.js'
import type { AdminView } from './pages.js'

const STATUSES = {
  active: 'statusActive',
  suspended: 'statusSuspended',
  invited: 'statusInvited',
} as const
const ROLES = { admin: 'roleAdmin', user: 'roleUser' } as const

function isKeyOf<Names extends object>(names: Names, key: PropertyKey): key is keyof Names {
  return Object.hasOwn(names, key)
}

function renderUsers({ texts }: PageContext, users: AdminView['users']): Html {
  const named = (label: Html, user: AdminView['users'][number]) =>
    html`${label}<span class="hidden"> <bdi>${user.email ?? user.name}</bdi></span>`
  return renderTable({
    labelledBy: 'users',
    columns: [
      { label: texts.text('adminName'), cell: ({ name }) => html`<bdi>${name ?? '–'}</bdi>` },
      { label: texts.text('adminEmail'), cell: ({ email }) => html`<bdi>${email ?? '–'}</bdi>` },
      {
        label: texts.text('adminStatus'),
        cell: ({ status }) => (isKeyOf(STATUSES, status) ? texts.text(STATUSES[status]) : status),
      },
      {
        label: texts.text('adminRole'),
        cell: ({ role }) => (isKeyOf(ROLES, role) ? texts.text(ROLES[role]) : role),
      },
      { label: texts.text('adminLastLogin'), cell: (user) => texts.time(user.lastLoginAt) },
      {
        label: texts.text('adminAction'),
        cell: (user) => [
          user.suspend &&
            renderButtonForm(user.suspend, named(texts.text('adminSuspend'), user), 'small danger'),
          user.activate &&
            renderButtonForm(user.activate, named(texts.text('adminActivate'), user), 'small'),
        ],
      },
    ],
    rows: users,
  })
}

function renderClients({ texts }: PageContext, clients: AdminView['clients']): Html {
  return renderTable({
    labelledBy: 'clients',
    columns: [
      { label: texts.text('adminName'), cell: ({ name }) => html`<bdi>${name}</bdi>` },
      {
        label: texts.text('adminClientId'),
        cell: ({ clientId }) => html`<code>${clientId}</code>`,
      },
      { label: texts.text('adminOrigin'), cell: ({ origin }) => html`<bdi>${origin}</bdi>` },
      { label: texts.text('accountLastUsed'), cell: (client) => texts.time(client.lastUsedAt) },
      {
        label: texts.text('adminAction'),
        cell: ({ name, revoke }) =>
          renderButtonForm(
            revoke,
            html`${texts.text('adminRevoke')}<span class="hidden"> <bdi>${name}</bdi></span>`,
            'small danger',
          ),
      },
    ],
    rows: clients,
  })
}

function renderEvents({ texts }: PageContext, events: AdminView['events']): Html {
  const table: DataTable<AdminView['events'][number]> = {
    labelledBy: 'events',
    columns: [
      { label: texts.text('adminTime'), cell: ({ at }) => texts.time(at) },
      { label: texts.text('adminEvent'), cell: ({ event }) => html`<code>${event}</code>` },
      { label: texts.text('adminOutcome'), cell: ({ outcome }) => outcome },
      { label: texts.text('adminActor'), cell: ({ actor }) => html`<bdi>${actor ?? '–'}</bdi>` },
    ],
    rows: events,
  }
  return renderTable(table)
}

function renderInvite({ texts }: PageContext, invite: AdminView['invite']): Html {
  return renderForm(
    invite,
    html`
      <div class="ruled"><div class="narrower">
        <h4>${texts.text('adminInviteTitle')}</h4>
        <div class="field">
          <label class="label" for="invite">${texts.text('adminInviteLabel')}</label>
          <input id="invite" name="${FORM_FIELDS.inviteEmail}" type="email" autocomplete="off" maxlength="254" required aria-describedby="invite-hint">
          <p class="muted" id="invite-hint">${texts.text('adminInviteHint')}</p>
        </div>
        <button type="submit" class="plain">${texts.text('adminInviteButton')}</button>
      </div></div>
    `,
  )
}

/** Writes what only an administrator sees: users, clients, the audit trail. */
export function renderAdmin(context: PageContext, admin: AdminView): Html {
  const { texts } = context
  const { users, clients, events, invite, cut = [] } = admin
  const section = (
    id: 'users' | 'clients' | 'events',
    title: Html,
    count: number,
    table: Html,
    after?: Html,
  ) => {
    const isCut = cut.includes(id)
    const shown = { count: String(count) }
    const text =
      id === 'events' ? texts.text('adminNewest', shown) : texts.text('adminFirst', shown)
    return html`
      <section class="card" aria-labelledby="${id}">
        <h3 id="${id}">${title}</h3>
        ${count === 0 && !isCut ? html`<p class="muted">${texts.text('adminNone')}</p>` : table}
        ${isCut && html`<p class="muted">${text}</p>`}
        ${after}
      </section>
    `
  }
  return html`
    <h2>${texts.text('adminTitle')}</h2>
    ${section('users', texts.text('adminUsers'), users.length, renderUsers(context, users), renderInvite(context, invite))}
    ${section('clients', texts.text('adminClients'), clients.length, renderClients(context, clients))}
    ${section('events', texts.text('adminEvents'), events.length, renderEvents(context, events))}
  `
}
