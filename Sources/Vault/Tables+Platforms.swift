import SQLite

extension Table {
    /// What has ended here and is still to be ended at the platform; outlives its app and installation.
    static let revocations = Table(
        name: "revocations",
        create:
            """
            CREATE TABLE revocations (
                id INTEGER PRIMARY KEY,
                app INTEGER NOT NULL,
                installation INTEGER NOT NULL,
                leg TEXT NOT NULL,
                tenant INTEGER NOT NULL,
                key_generation INTEGER NOT NULL,
                sealed BLOB,
                state TEXT NOT NULL,
                attempts INTEGER NOT NULL,
                next_at INTEGER,
                code TEXT,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code, created_at, updated_at, mac
            FROM revocations ORDER BY id
            """,
        find:
            """
            SELECT id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code, created_at, updated_at, mac
            FROM revocations WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO revocations (id, app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code, created_at, updated_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """,
        update:
            """
            UPDATE revocations SET (app, installation, leg, tenant, key_generation, sealed, state, attempts, next_at, code, created_at, updated_at, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            WHERE id = ?1
            """,
        delete: "DELETE FROM revocations WHERE id = ?1",
        keyColumns: 1,
        columns: 13,
        isSmall: false
    )

    /// People of an installation who agreed to be linked.
    static let links = Table(
        name: "links",
        create:
            """
            CREATE TABLE links (
                id INTEGER PRIMARY KEY,
                app INTEGER NOT NULL,
                installation INTEGER NOT NULL REFERENCES installations(id),
                subject TEXT NOT NULL,
                user_id TEXT NOT NULL,
                email TEXT,
                how TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, app, installation, subject, user_id, email, how, created_at, created_by, mac
            FROM links ORDER BY id
            """,
        find:
            """
            SELECT id, app, installation, subject, user_id, email, how, created_at, created_by, mac
            FROM links WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO links (id, app, installation, subject, user_id, email, how, created_at, created_by, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
        update:
            """
            UPDATE links SET (app, installation, subject, user_id, email, how, created_at, created_by, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            WHERE id = ?1
            """,
        delete: "DELETE FROM links WHERE id = ?1",
        keyColumns: 1,
        columns: 9,
        isSmall: false
    )

    /// What a profile of one or two apps added.
    static let integrations = Table(
        name: "integrations",
        create:
            """
            CREATE TABLE integrations (
                id INTEGER PRIMARY KEY,
                tenant INTEGER NOT NULL REFERENCES tenants(id),
                profile TEXT NOT NULL,
                first_app INTEGER NOT NULL REFERENCES apps(id),
                second_app INTEGER REFERENCES apps(id),
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, tenant, profile, first_app, second_app, created_at, mac
            FROM integrations ORDER BY id
            """,
        find:
            """
            SELECT id, tenant, profile, first_app, second_app, created_at, mac
            FROM integrations WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO integrations (id, tenant, profile, first_app, second_app, created_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
        update:
            """
            UPDATE integrations SET (tenant, profile, first_app, second_app, created_at, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7)
            WHERE id = ?1
            """,
        delete: "DELETE FROM integrations WHERE id = ?1",
        keyColumns: 1,
        columns: 6,
        isSmall: false
    )

    /// The newest result of each check of an app's credentials.
    static let checks = Table(
        name: "checks",
        create:
            """
            CREATE TABLE checks (
                app INTEGER NOT NULL REFERENCES apps(id),
                name TEXT NOT NULL,
                result TEXT NOT NULL,
                compared TEXT NOT NULL,
                advice TEXT NOT NULL,
                checked_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (app, name)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT app, name, result, compared, advice, checked_at, mac
            FROM checks ORDER BY app, name
            """,
        find:
            """
            SELECT app, name, result, compared, advice, checked_at, mac
            FROM checks WHERE app = ?1 AND name = ?2
            """,
        insert:
            """
            INSERT INTO checks (app, name, result, compared, advice, checked_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
        update:
            """
            UPDATE checks SET (result, compared, advice, checked_at, mac)
            = (?3, ?4, ?5, ?6, ?7)
            WHERE app = ?1 AND name = ?2
            """,
        delete: "DELETE FROM checks WHERE app = ?1 AND name = ?2",
        keyColumns: 2,
        columns: 6,
        isSmall: false
    )
}
