import CSQLite

extension Connection {
    /// Takes the write lock at once, so that nothing read in the transaction can have changed before it writes.
    package func beginImmediate() throws(SQLiteError) { try execute("BEGIN IMMEDIATE") }

    /// A transaction that only reads: one snapshot from its first read to its end.
    package func beginRead() throws(SQLiteError) { try execute("BEGIN DEFERRED") }

    /// Ends the transaction; durable when it returns, with synchronous=FULL.
    package func commit() throws(SQLiteError) { try execute("COMMIT") }

    /// Does nothing when an error has ended the transaction already.
    package func rollback() throws(SQLiteError) {
        guard isInTransaction else { return }
        try execute("ROLLBACK")
    }

    /// Savepoints nest; the others speak of the innermost.
    package func savepoint() throws(SQLiteError) { try execute("SAVEPOINT request") }
    /// Keeps what happened since the savepoint, as part of the transaction.
    package func releaseSavepoint() throws(SQLiteError) { try execute("RELEASE request") }

    /// Takes back what was done since the innermost savepoint, and ends it.
    package func rollbackSavepoint() throws(SQLiteError) {
        try execute("ROLLBACK TO request")
        try execute("RELEASE request")
    }

    /// False after COMMIT, ROLLBACK, or an error that ended the transaction and all its savepoints.
    package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(db) == 0 }
}
