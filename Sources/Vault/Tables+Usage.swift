import SQLite

extension Table {
    /// How often an app was called at its platform in a month: platforms set limits by it (platforms, 2.9).
    static let usage = Table(
        name: "usage",
        create:
            """
            CREATE TABLE usage (
                app INTEGER NOT NULL,
                month TEXT NOT NULL,
                calls INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (app, month)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT app, month, calls, mac
            FROM usage ORDER BY app, month
            """,
        find:
            """
            SELECT app, month, calls, mac
            FROM usage WHERE app = ?1 AND month = ?2
            """,
        insert:
            """
            INSERT INTO usage (app, month, calls, mac)
            VALUES (?1, ?2, ?3, ?4)
            """,
        update:
            """
            UPDATE usage SET (calls, mac)
            = (?3, ?4)
            WHERE app = ?1 AND month = ?2
            """,
        delete: "DELETE FROM usage WHERE app = ?1 AND month = ?2",
        keyColumns: 2,
        columns: 3,
        isSmall: false
    )

    /// What ended all leases of a service, grant, app or installation that had been given until then.
    static let endings = Table(
        name: "endings",
        create:
            """
            CREATE TABLE endings (
                holder TEXT NOT NULL,
                id INTEGER NOT NULL,
                serial INTEGER NOT NULL,
                ended_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (holder, id)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT holder, id, serial, ended_at, mac
            FROM endings ORDER BY holder, id
            """,
        find:
            """
            SELECT holder, id, serial, ended_at, mac
            FROM endings WHERE holder = ?1 AND id = ?2
            """,
        insert:
            """
            INSERT INTO endings (holder, id, serial, ended_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """,
        update:
            """
            UPDATE endings SET (serial, ended_at, mac)
            = (?3, ?4, ?5)
            WHERE holder = ?1 AND id = ?2
            """,
        delete: "DELETE FROM endings WHERE holder = ?1 AND id = ?2",
        keyColumns: 2,
        columns: 4,
        isSmall: true
    )
}
