import CSQLite

/// A prepared statement. Leaving its scope resets it and forgets what was bound.
///
/// Parameters count from 1, columns from 0. Spans that it lends end before the next step: stepping needs it alone.
@safe package struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let connection: Connection
    private let cacheKey: UInt

    @unsafe init(adopting handle: OpaquePointer, of connection: Connection, cacheKey: UInt) {
        unsafe self.handle = handle
        self.connection = connection
        self.cacheKey = cacheKey
    }

    deinit { unsafe connection.giveBack(handle, cacheKey: cacheKey) }

    // MARK: - Parameters

    /// Binds an integer; indexes count from 1.
    package mutating func bind(_ index: Int32, _ value: Int64) {
        check(unsafe sqlite3_bind_int64(handle, index, value))
    }

    /// Binds an integer or NULL.
    package mutating func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    /// Binds text, copied.
    package mutating func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { bytes in
                // An empty text may have no address, and SQLite takes none for NULL.
                guard let start = bytes.baseAddress else {
                    return check(unsafe csqlite_bind_text_copy(handle, index, "", 0))
                }
                check(unsafe csqlite_bind_text_copy(handle, index, start, Int32(bytes.count)))
            }
        }
    }

    /// Binds text or NULL.
    package mutating func bind(_ index: Int32, _ text: String?) {
        if let text { bind(index, text) } else { bindNull(index) }
    }

    /// Binds bytes, copied; none are an empty blob, not NULL.
    package mutating func bind(_ index: Int32, _ blob: [UInt8]) { bind(index, blob.span) }

    /// Binds bytes or NULL.
    package mutating func bind(_ index: Int32, _ blob: [UInt8]?) {
        if let blob { bind(index, blob.span) } else { bindNull(index) }
    }

    /// Binds lent bytes, copied; none are an empty blob, not NULL.
    package mutating func bind(_ index: Int32, _ blob: Span<UInt8>) {
        guard blob.count > 0 else {
            check(unsafe sqlite3_bind_zeroblob(handle, index, 0))
            return
        }
        guard let count = Int32(exactly: blob.count) else { preconditionFailure("a blob longer than 2 GiB") }
        unsafe blob.withUnsafeBufferPointer {
            check(unsafe csqlite_bind_blob_copy(handle, index, $0.baseAddress, count))
        }
    }

    /// Runs the statement to its end with two lent blobs, neither of them copied; none may be empty.
    package mutating func run(
        _ first: Int32, _ firstBlob: Span<UInt8>, _ second: Int32, _ secondBlob: Span<UInt8>
    ) throws(SQLiteError) {
        try unsafe firstBlob.withUnsafeBufferPointer { one throws(SQLiteError) in
            try unsafe secondBlob.withUnsafeBufferPointer { other throws(SQLiteError) in
                // Without a destructor SQLite reads them where they are, and they are let go before this ends.
                check(unsafe sqlite3_bind_blob(handle, first, one.baseAddress, Int32(one.count), nil))
                check(unsafe sqlite3_bind_blob(handle, second, other.baseAddress, Int32(other.count), nil))
                defer {
                    unsafe sqlite3_reset(handle)
                    unsafe sqlite3_clear_bindings(handle)
                }
                try run()
            }
        }
    }

    /// Runs the statement to its end with texts and blobs that lie one behind the other in `bytes`, none of them
    /// copied; `places` says which parameter each of them is and where it lies.
    package mutating func run(
        lending bytes: Span<UInt8>, _ places: [(index: Int32, isText: Bool, place: Range<Int>)]
    ) throws(SQLiteError) {
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(SQLiteError) in
            for (index, isText, place) in places {
                precondition(place.lowerBound >= 0 && place.upperBound <= bytes.count, "not in the bytes")
                // SQLite takes no address for NULL, and an empty part may be all there is.
                guard !place.isEmpty, let base = bytes.baseAddress else {
                    if isText { bind(index, "") } else { check(unsafe sqlite3_bind_zeroblob(handle, index, 0)) }
                    continue
                }
                let start = unsafe base + place.lowerBound
                if isText {
                    unsafe start.withMemoryRebound(to: CChar.self, capacity: place.count) {
                        check(unsafe sqlite3_bind_text(handle, index, $0, Int32(place.count), nil))
                    }
                } else {
                    check(unsafe sqlite3_bind_blob(handle, index, start, Int32(place.count), nil))
                }
            }
            defer {
                unsafe sqlite3_reset(handle)
                unsafe sqlite3_clear_bindings(handle)
            }
            try run()
        }
    }

    /// Binds NULL.
    package mutating func bindNull(_ index: Int32) { check(unsafe sqlite3_bind_null(handle, index)) }

    /// Binding fails only for a parameter that is not there or a statement that is being stepped: our mistake.
    private func check(_ result: Int32) {
        guard result == SQLITE_OK else {
            if result == SQLITE_NOMEM { fatalError("no memory to bind a value") }
            preconditionFailure("a parameter that the statement does not have")
        }
    }

    // MARK: - Rows

    /// Moves to the next row; false when there is none.
    package mutating func step() throws(SQLiteError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw unsafe SQLiteError(result, of: connection.db, doing: "step")
        }
    }

    /// Runs a statement to its end.
    package mutating func run() throws(SQLiteError) {
        while try step() {}
    }

    /// Starts again, for a statement that is used many times in a row; bindings stay.
    package mutating func reset() { unsafe sqlite3_reset(handle) }

    /// The column as an integer; columns count from 0.
    package func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    /// The column as an integer, nil for NULL.
    package func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    /// SQLite's storage classes.
    package enum Storage: Sendable {
        case null
        case integer
        case real
        case text
        case blob
    }

    /// The storage class a column has in this row.
    package func type(_ column: Int32) -> Storage {
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .integer
        case SQLITE_FLOAT: .real
        case SQLITE_TEXT: .text
        case SQLITE_BLOB: .blob
        default: .null
        }
    }

    /// Whether the column is NULL.
    package func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// Text; empty for NULL.
    package func text(_ column: Int32) -> String {
        guard let start = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The column as text, nil for NULL.
    package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    /// A copy of a blob; empty for NULL.
    package func blob(_ column: Int32) -> [UInt8] { [UInt8](copying: span(column)) }

    /// The column's bytes, nil for NULL.
    package func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }

    /// Lends a blob or text as it lies in SQLite's page, until the next step; empty for NULL.
    @_lifetime(borrow self)
    package func span(_ column: Int32) -> Span<UInt8> {
        // SQLite gives no address for an empty blob.
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return Span() }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        let bytes = unsafe Span(_unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: count)
        return unsafe _overrideLifetime(bytes, borrowing: self)
    }
}

extension [UInt8] {
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    }
}
