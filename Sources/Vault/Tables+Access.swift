import SQLite

extension Table {
    /// Local services and how the kernel tells them apart.
    static let services = Table(
        name: "services",
        create:
            """
            CREATE TABLE services (
                id INTEGER PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                selectors TEXT NOT NULL,
                state TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                rate INTEGER NOT NULL,
                most_leases INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, name, selectors, state, created_at, rate, most_leases, mac
            FROM services ORDER BY id
            """,
        find:
            """
            SELECT id, name, selectors, state, created_at, rate, most_leases, mac
            FROM services WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO services (id, name, selectors, state, created_at, rate, most_leases, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
        update:
            """
            UPDATE services SET (name, selectors, state, created_at, rate, most_leases, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8)
            WHERE id = ?1
            """,
        delete: "DELETE FROM services WHERE id = ?1",
        keyColumns: 1,
        columns: 7,
        isSmall: true
    )

    /// What a service may do.
    static let grants = Table(
        name: "grants",
        create:
            """
            CREATE TABLE grants (
                id INTEGER PRIMARY KEY,
                service INTEGER NOT NULL REFERENCES services(id),
                pattern TEXT NOT NULL,
                actions TEXT NOT NULL,
                methods TEXT NOT NULL,
                scope TEXT NOT NULL,
                max_ttl INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                max_age INTEGER NOT NULL,
                bind TEXT NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, service, pattern, actions, methods, scope, max_ttl, created_at, created_by, max_age, bind, mac
            FROM grants ORDER BY id
            """,
        find:
            """
            SELECT id, service, pattern, actions, methods, scope, max_ttl, created_at, created_by, max_age, bind, mac
            FROM grants WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO grants (id, service, pattern, actions, methods, scope, max_ttl, created_at, created_by, max_age, bind, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """,
        update:
            """
            UPDATE grants SET (service, pattern, actions, methods, scope, max_ttl, created_at, created_by, max_age, bind, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            WHERE id = ?1
            """,
        delete: "DELETE FROM grants WHERE id = ?1",
        keyColumns: 1,
        columns: 11,
        isSmall: true
    )

    /// Access handed out and not yet ended.
    static let leases = Table(
        name: "leases",
        create:
            """
            CREATE TABLE leases (
                id TEXT NOT NULL PRIMARY KEY,
                service INTEGER NOT NULL,
                app INTEGER NOT NULL,
                installation INTEGER NOT NULL,
                leg TEXT NOT NULL,
                grant_id INTEGER NOT NULL,
                deliver TEXT NOT NULL,
                methods TEXT NOT NULL,
                scope TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                boot_id TEXT NOT NULL,
                boot_expires INTEGER NOT NULL,
                version INTEGER NOT NULL,
                state TEXT NOT NULL,
                serial INTEGER NOT NULL,
                uid INTEGER,
                process TEXT NOT NULL,
                bearer BLOB NOT NULL,
                mac BLOB NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at, boot_id, boot_expires, version, state, serial, uid, process, bearer, mac
            FROM leases ORDER BY id
            """,
        find:
            """
            SELECT id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at, boot_id, boot_expires, version, state, serial, uid, process, bearer, mac
            FROM leases WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO leases (id, service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at, boot_id, boot_expires, version, state, serial, uid, process, bearer, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
            """,
        update:
            """
            UPDATE leases SET (service, app, installation, leg, grant_id, deliver, methods, scope, created_at, expires_at, boot_id, boot_expires, version, state, serial, uid, process, bearer, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
            WHERE id = ?1
            """,
        delete: "DELETE FROM leases WHERE id = ?1",
        keyColumns: 1,
        columns: 19,
        isSmall: false
    )

    /// OAuth flows under way, by the hash of their state.
    static let oauthStates = Table(
        name: "oauth_states",
        create:
            """
            CREATE TABLE oauth_states (
                id BLOB NOT NULL PRIMARY KEY,
                app INTEGER NOT NULL,
                service INTEGER,
                purpose TEXT NOT NULL,
                redirect_uri TEXT NOT NULL,
                scope TEXT NOT NULL,
                user_scope TEXT NOT NULL,
                subject TEXT,
                return_to TEXT,
                binding TEXT NOT NULL,
                browser BLOB,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                used_at INTEGER,
                outcome TEXT,
                mac BLOB NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT id, app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser, created_at, expires_at, used_at, outcome, mac
            FROM oauth_states ORDER BY id
            """,
        find:
            """
            SELECT id, app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser, created_at, expires_at, used_at, outcome, mac
            FROM oauth_states WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO oauth_states (id, app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser, created_at, expires_at, used_at, outcome, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            """,
        update:
            """
            UPDATE oauth_states SET (app, service, purpose, redirect_uri, scope, user_scope, subject, return_to, binding, browser, created_at, expires_at, used_at, outcome, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
            WHERE id = ?1
            """,
        delete: "DELETE FROM oauth_states WHERE id = ?1",
        keyColumns: 1,
        columns: 15,
        isSmall: false
    )
}
