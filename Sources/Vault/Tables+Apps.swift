import SQLite

extension Table {
    /// Apps of the customers, by platform and App ID.
    static let apps = Table(
        name: "apps",
        create:
            """
            CREATE TABLE apps (
                id INTEGER PRIMARY KEY,
                platform TEXT NOT NULL,
                app_id TEXT NOT NULL,
                tenant INTEGER NOT NULL REFERENCES tenants(id),
                profile TEXT NOT NULL,
                state TEXT NOT NULL,
                claim TEXT NOT NULL,
                fields TEXT NOT NULL,
                redirect_uris TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                UNIQUE (platform, app_id)
            ) STRICT
            """,
        select:
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps ORDER BY id
            """,
        find:
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO apps (id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
        update:
            """
            UPDATE apps SET (platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            WHERE id = ?1
            """,
        delete: "DELETE FROM apps WHERE id = ?1",
        keyColumns: 1,
        columns: 10,
        isSmall: false
    )

    /// Sealed values; never changed, only emptied when destroyed.
    static let secrets = Table(
        name: "secrets",
        create:
            """
            CREATE TABLE secrets (
                app INTEGER NOT NULL REFERENCES apps(id),
                installation INTEGER NOT NULL,
                kind TEXT NOT NULL,
                version INTEGER NOT NULL,
                tenant INTEGER NOT NULL,
                key_generation INTEGER NOT NULL,
                sealed BLOB,
                length INTEGER NOT NULL,
                fingerprint BLOB NOT NULL,
                created_at INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                destroyed_at INTEGER,
                mac BLOB NOT NULL,
                PRIMARY KEY (app, installation, kind, version)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint, created_at, created_by, destroyed_at, mac
            FROM secrets ORDER BY app, installation, kind, version
            """,
        find:
            """
            SELECT app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint, created_at, created_by, destroyed_at, mac
            FROM secrets WHERE app = ?1 AND installation = ?2 AND kind = ?3 AND version = ?4
            """,
        insert:
            """
            INSERT INTO secrets (app, installation, kind, version, tenant, key_generation, sealed, length, fingerprint, created_at, created_by, destroyed_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """,
        update:
            """
            UPDATE secrets SET (tenant, key_generation, sealed, length, fingerprint, created_at, created_by, destroyed_at, mac)
            = (?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            WHERE app = ?1 AND installation = ?2 AND kind = ?3 AND version = ?4
            """,
        delete: "DELETE FROM secrets WHERE app = ?1 AND installation = ?2 AND kind = ?3 AND version = ?4",
        keyColumns: 4,
        columns: 12,
        isSmall: false
    )

    /// Which version of a secret is pending, current, previous.
    static let heads = Table(
        name: "heads",
        create:
            """
            CREATE TABLE heads (
                app INTEGER NOT NULL REFERENCES apps(id),
                installation INTEGER NOT NULL,
                kind TEXT NOT NULL,
                current INTEGER,
                previous INTEGER,
                previous_ends INTEGER,
                pending INTEGER,
                last_version INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (app, installation, kind)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT app, installation, kind, current, previous, previous_ends, pending, last_version, mac
            FROM heads ORDER BY app, installation, kind
            """,
        find:
            """
            SELECT app, installation, kind, current, previous, previous_ends, pending, last_version, mac
            FROM heads WHERE app = ?1 AND installation = ?2 AND kind = ?3
            """,
        insert:
            """
            INSERT INTO heads (app, installation, kind, current, previous, previous_ends, pending, last_version, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """,
        update:
            """
            UPDATE heads SET (current, previous, previous_ends, pending, last_version, mac)
            = (?4, ?5, ?6, ?7, ?8, ?9)
            WHERE app = ?1 AND installation = ?2 AND kind = ?3
            """,
        delete: "DELETE FROM heads WHERE app = ?1 AND installation = ?2 AND kind = ?3",
        keyColumns: 3,
        columns: 8,
        isSmall: false
    )

    /// Where an app is installed, and for whom.
    static let installations = Table(
        name: "installations",
        create:
            """
            CREATE TABLE installations (
                id INTEGER PRIMARY KEY,
                app INTEGER NOT NULL REFERENCES apps(id),
                tenant INTEGER NOT NULL REFERENCES tenants(id),
                enterprise_id TEXT NOT NULL,
                team_id TEXT NOT NULL,
                team_name TEXT NOT NULL,
                is_enterprise INTEGER NOT NULL,
                user_id TEXT NOT NULL,
                bot_user_id TEXT NOT NULL,
                state TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                UNIQUE (app, enterprise_id, team_id, is_enterprise, user_id)
            ) STRICT
            """,
        select:
            """
            SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state, created_at, updated_at, mac
            FROM installations ORDER BY id
            """,
        find:
            """
            SELECT id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state, created_at, updated_at, mac
            FROM installations WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO installations (id, app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state, created_at, updated_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """,
        update:
            """
            UPDATE installations SET (app, tenant, enterprise_id, team_id, team_name, is_enterprise, user_id, bot_user_id, state, created_at, updated_at, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            WHERE id = ?1
            """,
        delete: "DELETE FROM installations WHERE id = ?1",
        keyColumns: 1,
        columns: 12,
        isSmall: false
    )
}
