import Rules
import SQLite
import Sealing

/// A column's value on its way into a row under MAC.
enum Value: Sendable, Equatable {
    case null
    case int(Int64)
    case text(String)
    case blob([UInt8])

    static func optional(_ value: Int64?) -> Value { value.map(Value.int) ?? .null }
    static func optional(_ value: String?) -> Value { value.map(Value.text) ?? .null }
    static func optional(_ value: [UInt8]?) -> Value { value.map(Value.blob) ?? .null }

    func append(to canonical: inout Canonical) {
        switch self {
        case .null: canonical.addNull()
        case .int(let value): canonical.add(value)
        case .text(let value): canonical.add(value)
        case .blob(let value): canonical.add(value)
        }
    }

    func bind(to statement: inout Statement, at index: Int32) {
        switch self {
        case .null: statement.bindNull(index)
        case .int(let value): statement.bind(index, value)
        case .text(let value): statement.bind(index, value)
        case .blob(let value): statement.bind(index, value)
        }
    }
}

/// A row of a table under MAC: it knows its columns and can be read back from them.
protocol Row: Sendable {
    static var name: TableName { get }
    /// Reads the row from a statement whose columns, from `first` on, are the table's.
    init(_ statement: borrowing Statement, from first: Int32) throws(Problem)
    /// All columns but `mac`, in order.
    var values: [Value] { get }
}
