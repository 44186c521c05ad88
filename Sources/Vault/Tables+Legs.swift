import SQLite

extension Table {
    /// Token legs of an installation; the access token itself is a secret of the leg's kind.
    static let legs = Table(
        name: "legs",
        create:
            """
            CREATE TABLE legs (
                installation INTEGER NOT NULL REFERENCES installations(id),
                leg TEXT NOT NULL,
                scope TEXT NOT NULL,
                asked TEXT NOT NULL,
                state TEXT NOT NULL,
                issued_at INTEGER NOT NULL,
                expires_at INTEGER,
                refresh_expires_at INTEGER,
                refresh_sealed BLOB,
                refresh_fingerprint BLOB,
                key_generation INTEGER NOT NULL,
                generation INTEGER NOT NULL,
                in_flight BLOB,
                in_flight_at INTEGER,
                due_at INTEGER,
                retry_at INTEGER,
                failures INTEGER NOT NULL,
                failing_since INTEGER,
                failure TEXT,
                updated_at INTEGER NOT NULL,
                mac BLOB NOT NULL,
                PRIMARY KEY (installation, leg)
            ) STRICT, WITHOUT ROWID
            """,
        select:
            """
            SELECT installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed, refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at, failures, failing_since, failure, updated_at, mac
            FROM legs ORDER BY installation, leg
            """,
        find:
            """
            SELECT installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed, refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at, failures, failing_since, failure, updated_at, mac
            FROM legs WHERE installation = ?1 AND leg = ?2
            """,
        insert:
            """
            INSERT INTO legs (installation, leg, scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed, refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at, failures, failing_since, failure, updated_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
            """,
        update:
            """
            UPDATE legs SET (scope, asked, state, issued_at, expires_at, refresh_expires_at, refresh_sealed, refresh_fingerprint, key_generation, generation, in_flight, in_flight_at, due_at, retry_at, failures, failing_since, failure, updated_at, mac)
            = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
            WHERE installation = ?1 AND leg = ?2
            """,
        delete: "DELETE FROM legs WHERE installation = ?1 AND leg = ?2",
        keyColumns: 2,
        columns: 20,
        isSmall: false
    )
}
