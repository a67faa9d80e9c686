import type { Statement } from '@bestviable/mcp-auth-store-postgres'

const seconds = (column: string) => `floor(extract(epoch FROM ${column}))::float8 AS ${column}`

const COLUMNS = `user_id::text AS user_id, email, name, picture, provider, provider_issuer,
  provider_user_id, status, role, ${seconds('created_at')}, ${seconds('last_login_at')},
  ${seconds('updated_at')}`

function select(name: string, condition: string): Statement {
  return {
    name: `mcp_auth_as_user_${name}`,
    text: `SELECT ${COLUMNS} FROM {schema}.user_profiles WHERE ${condition}`,
  }
}

export const findUser: Statement = select('find', 'user_id = $1::uuid')
/** Others may hold the user too and count it as active; who locks it for an update waits. */
export const heldUser = (userId: string): string =>
  `SELECT ${COLUMNS} FROM {schema}.user_profiles WHERE user_profiles.user_id = ${userId} FOR KEY SHARE`
export const holdUser: Statement = { name: 'mcp_auth_as_user_hold', text: heldUser('$1::uuid') }
export const lockUser: Statement = select('lock', 'user_id = $1::uuid FOR UPDATE')
// In one order, so that two admins who suspend each other take turns.
export const lockAdmins: Statement = select(
  'lock_admins',
  `role = 'admin' AND status = 'active' ORDER BY user_profiles.user_id FOR UPDATE`,
)
export const findUsersByEmail: Statement = select(
  'find_email',
  'email = $1::text ORDER BY user_profiles.user_id LIMIT 10',
)
export const findIdentity: Statement = select(
  'find_identity',
  'provider_issuer = $1::text AND provider_user_id = $2::text',
)
export const findInvitation: Statement = select(
  'find_invitation',
  `email = $1::text AND provider_user_id IS NULL AND status = 'invited'`,
)
export const listUsers: Statement = select(
  'list',
  `user_id > $1::uuid AND ($3::text IS NULL OR status = $3::text)
    ORDER BY user_profiles.user_id LIMIT $2::int`,
)

export const countUsers: Statement = {
  name: 'mcp_auth_as_user_count',
  text: `SELECT count(CASE WHEN provider_user_id IS NOT NULL THEN 1 END) AS users,
      count(CASE WHEN status = 'suspended' THEN 1 END) AS suspended,
      count(CASE WHEN status = 'invited' THEN 1 END) AS invited
    FROM {schema}.user_profiles`,
}

/**
 * `$1` e-mail, `$2` issuer, `$3` subject. The invitation becomes part of the profile that is written next.
 * A suspended one stays where that profile is there already, which it does not suspend: it still keeps
 * out the next identity of the address.
 */
export const takeInvitation: Statement = {
  name: 'mcp_auth_as_user_take_invitation',
  text: `DELETE FROM {schema}.user_profiles WHERE email = $1::text AND provider_user_id IS NULL
      AND (status = 'invited' OR NOT EXISTS (SELECT 1 FROM {schema}.user_profiles AS known
        WHERE known.provider_issuer = $2::text AND known.provider_user_id = $3::text))
    RETURNING ${COLUMNS}`,
}

/**
 * `$1` user_id of a new profile, `$2` email, `$3` name, `$4` picture, `$5` provider, `$6` issuer, `$7`
 * subject, `$8` status and `$9` role of a new profile, `$10` its creation and `$11` now in epoch
 * seconds, `$12` whether an invitation makes an admin of the user.
 */
export const signInUser: Statement = {
  name: 'mcp_auth_as_user_sign_in',
  text: `INSERT INTO {schema}.user_profiles AS stored (user_id, email, name, picture, provider,
      provider_issuer, provider_user_id, status, role, created_at, last_login_at, updated_at)
    VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text,
      to_timestamp($10::float8),
      CASE WHEN $8::text = 'active' THEN to_timestamp($11::float8) END, to_timestamp($11::float8))
    ON CONFLICT (provider_issuer, provider_user_id) DO UPDATE SET
      -- What the provider no longer vouches for is no longer the address of the user.
      email = excluded.email,
      name = COALESCE(excluded.name, stored.name),
      picture = COALESCE(excluded.picture, stored.picture),
      provider = excluded.provider,
      role = CASE WHEN $12::boolean THEN 'admin' ELSE stored.role END,
      last_login_at = CASE WHEN stored.status = 'active' THEN to_timestamp($11::float8)
        ELSE stored.last_login_at END,
      updated_at = to_timestamp($11::float8)
    RETURNING ${COLUMNS}`,
}

/** `$1` user_id, `$2` e-mail, `$3` name or NULL, `$4` role or NULL, `$5` epoch seconds. */
export const inviteUser: Statement = {
  name: 'mcp_auth_as_user_invite',
  text: `INSERT INTO {schema}.user_profiles AS stored (user_id, email, name, status, role, created_at,
      updated_at)
    VALUES ($1::uuid, $2::text, $3::text, 'invited', COALESCE($4::text, 'user'),
      to_timestamp($5::float8), to_timestamp($5::float8))
    ON CONFLICT (email) WHERE provider_user_id IS NULL DO UPDATE SET status = 'invited',
      name = COALESCE(excluded.name, stored.name), role = COALESCE($4::text, stored.role),
      updated_at = excluded.updated_at
    RETURNING ${COLUMNS}`,
}

// A person who never signed in is not active, but invited again.
export const setUserStatus: Statement = {
  name: 'mcp_auth_as_user_status',
  text: `UPDATE {schema}.user_profiles SET
      status = CASE WHEN $2::text = 'active' AND provider_user_id IS NULL THEN 'invited'
        ELSE $2::text END,
      updated_at = to_timestamp($3::float8)
    WHERE user_id = $1::uuid RETURNING ${COLUMNS}`,
}

export const setUserRole: Statement = {
  name: 'mcp_auth_as_user_role',
  text: `UPDATE {schema}.user_profiles SET role = $2::text, updated_at = to_timestamp($3::float8)
    WHERE user_id = $1::uuid RETURNING ${COLUMNS}`,
}

export const removeUser: Statement = {
  name: 'mcp_auth_as_user_remove',
  text: 'DELETE FROM {schema}.user_profiles WHERE user_id = $1::uuid RETURNING 1 AS removed',
}

export const countActiveUsers: Statement = {
  name: 'mcp_auth_as_user_count_active',
  text: `SELECT count(*) AS users FROM {schema}.user_profiles
    WHERE greatest(last_login_at, last_active_at) >= to_timestamp($1::float8)`,
}
