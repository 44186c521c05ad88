import Rules
import SQLite
import Sealing

/// Makes and checks the MAC that every row but the log's carries, and its share in the table's set digest.
///
/// MAC = keyed BLAKE2b-256 over `Canonical("postern/row/1")`, the vault's id, the table's name and all columns in
/// order. The share is a second keyed hash over the MAC, so that the sum of shares says nothing about single rows.
/// Used by one thread at a time: it owns the buffer the rows are encoded in.
final class RowMAC {
    private let keys: KeyRing
    private var canonical = Canonical("postern/row/1", capacity: 1024)

    init(_ keys: KeyRing) { self.keys = keys }

    /// The MAC of a row that is about to be written.
    func mac(_ table: TableName, _ values: [Value]) throws(Problem) -> Digest32 {
        begin(table)
        for value in values { value.append(to: &canonical) }
        return try finish()
    }

    /// Checks the row a statement stands on; its columns begin at `first` and end with `mac`. `columns` is how many an
    /// older format had.
    func check(
        _ table: TableName, _ row: borrowing Statement, from first: Int32 = 0, columns: Int32? = nil
    ) throws(Problem) -> Digest32 {
        begin(table)
        let count = columns ?? Int32(table.table.columns)
        for index in first..<first + count {
            switch row.type(index) {
            case .null: canonical.addNull()
            case .integer: canonical.add(row.integer(index))
            case .text: canonical.add(text: row.span(index))
            case .blob: canonical.add(row.span(index))
            case .real: throw table.damaged("a column holds a number it cannot hold")
            }
        }
        let expected = try finish()
        let stored = Digest32(row.span(first + count))
        guard let stored, stored == expected else {
            throw table.damaged("the row \(describe(row, table, from: first)) was changed")
        }
        return expected
    }

    /// What a row with this MAC adds to its table's set digest.
    func share(_ table: TableName, _ mac: Digest32) throws(Problem) -> Digest32 {
        canonical.restart("postern/set/1")
        canonical.add(Int64(table.rawValue))
        canonical.add(mac)
        return try finish()
    }

    private func begin(_ table: TableName) {
        canonical.restart("postern/row/1")
        canonical.add(keys.vaultID)
        canonical.add(table.sqlName)
    }

    private func finish() throws(Problem) -> Digest32 {
        do { return try keys.slots.mac(canonical.bytes, with: keys.rowMAC) } catch { throw error.problem }
    }

    /// The row's key, for people: numbers and text as they are, blobs by their first bytes.
    private func describe(_ row: borrowing Statement, _ table: TableName, from first: Int32) -> String {
        (0..<Int32(table.table.keyColumns)).map { index in
            switch row.type(first + index) {
            case .integer: String(row.integer(first + index))
            case .text: row.text(first + index)
            case .blob: Hex.encode(row.span(first + index))
            default: "?"
            }
        }.joined(separator: "/")
    }
}
