import Rules

/// The parts of a head one after the other, each with its length: for what is sent for every call through the gateway,
/// where JSON would cost more than all the rest of a head.
struct Packed {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: Int) {
        let number = UInt64(bitPattern: Int64(number))
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func add(_ text: String) {
        add(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(_ lines: [HeaderLine]) {
        add(lines.count)
        for line in lines {
            add(line.name)
            add(line.value)
        }
    }
}

/// Reads what `Packed` wrote. `bad_request` for anything else.
struct Unpacking {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func number() throws(Problem) -> Int {
        var value: UInt64 = 0
        for byte in try take(8) { value = value << 8 | UInt64(byte) }
        return Int(Int64(bitPattern: value))
    }

    mutating func text() throws(Problem) -> String { String(decoding: try take(try number()), as: UTF8.self) }

    mutating func lines() throws(Problem) -> [HeaderLine] {
        let count = try number()
        // Two lengths each.
        guard (0...rest.count / 16).contains(count) else { throw Self.misread }
        var lines: [HeaderLine] = []
        for _ in 0..<count { lines.append((try text(), try text())) }
        return lines
    }

    /// Nothing may be left.
    func end() throws(Problem) { guard rest.isEmpty else { throw Self.misread } }

    private mutating func take(_ count: Int) throws(Problem) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw Self.misread }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    static let misread = Problem(.badRequest, "The errand is not well formed.")
}
