import SQLite

extension Table {
    /// Who this vault is: one row.
    static let meta = Table(
        name: "meta",
        create:
            """
            CREATE TABLE meta (
                id INTEGER PRIMARY KEY,
                vault_id BLOB NOT NULL,
                format INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                kit_public BLOB NOT NULL,
                kit_sealed BLOB NOT NULL,
                audit_public BLOB NOT NULL,
                wrapped_vault_key BLOB NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, vault_id, format, created_at, kit_public, kit_sealed, audit_public, wrapped_vault_key, mac
            FROM meta ORDER BY id
            """,
        find:
            """
            SELECT id, vault_id, format, created_at, kit_public, kit_sealed, audit_public, wrapped_vault_key, mac
            FROM meta WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO meta (id, vault_id, format, created_at, kit_public, kit_sealed, audit_public, wrapped_vault_key, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """,
        update:
            """
            UPDATE meta SET (vault_id, format, created_at, kit_public, kit_sealed, audit_public, wrapped_vault_key, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            WHERE id = ?1
            """,
        delete: "DELETE FROM meta WHERE id = ?1",
        keyColumns: 1,
        columns: 8,
        isSmall: true
    )

    /// Every key below the root key, wrapped.
    static let keys = Table(
        name: "keys",
        create:
            """
            CREATE TABLE keys (
                id INTEGER PRIMARY KEY,
                purpose TEXT NOT NULL,
                tenant INTEGER,
                generation INTEGER NOT NULL,
                wrapped BLOB NOT NULL,
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, purpose, tenant, generation, wrapped, created_at, mac
            FROM keys ORDER BY id
            """,
        find:
            """
            SELECT id, purpose, tenant, generation, wrapped, created_at, mac
            FROM keys WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO keys (id, purpose, tenant, generation, wrapped, created_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
        update:
            """
            UPDATE keys SET (purpose, tenant, generation, wrapped, created_at, mac)
            = (?2, ?3, ?4, ?5, ?6, ?7)
            WHERE id = ?1
            """,
        delete: "DELETE FROM keys WHERE id = ?1",
        keyColumns: 1,
        columns: 6,
        isSmall: true
    )

    /// Customers.
    static let tenants = Table(
        name: "tenants",
        create:
            """
            CREATE TABLE tenants (
                id INTEGER PRIMARY KEY,
                slug TEXT NOT NULL UNIQUE,
                name TEXT NOT NULL,
                state TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, slug, name, state, created_at, mac
            FROM tenants ORDER BY id
            """,
        find:
            """
            SELECT id, slug, name, state, created_at, mac
            FROM tenants WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO tenants (id, slug, name, state, created_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
        update:
            """
            UPDATE tenants SET (slug, name, state, created_at, mac)
            = (?2, ?3, ?4, ?5, ?6)
            WHERE id = ?1
            """,
        delete: "DELETE FROM tenants WHERE id = ?1",
        keyColumns: 1,
        columns: 5,
        isSmall: true
    )

    /// Who may administer.
    static let roles = Table(
        name: "roles",
        create:
            """
            CREATE TABLE roles (
                id INTEGER PRIMARY KEY,
                selector TEXT NOT NULL,
                role TEXT NOT NULL,
                tenant INTEGER REFERENCES tenants(id),
                created_at INTEGER NOT NULL,
                mac BLOB NOT NULL
            ) STRICT
            """,
        select:
            """
            SELECT id, selector, role, tenant, created_at, mac
            FROM roles ORDER BY id
            """,
        find:
            """
            SELECT id, selector, role, tenant, created_at, mac
            FROM roles WHERE id = ?1
            """,
        insert:
            """
            INSERT INTO roles (id, selector, role, tenant, created_at, mac)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
        update:
            """
            UPDATE roles SET (selector, role, tenant, created_at, mac)
            = (?2, ?3, ?4, ?5, ?6)
            WHERE id = ?1
            """,
        delete: "DELETE FROM roles WHERE id = ?1",
        keyColumns: 1,
        columns: 5,
        isSmall: true
    )
}
